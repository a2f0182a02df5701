/*
 * A remote repository for a test, and berth's side of it. Each fails the test when it cannot do its work.
 */
#ifndef BERTH_TEST_REMOTE_H
#define BERTH_TEST_REMOTE_H

#include "state/arena.h"
#include "state/git.h"

/* In the folder: `work` is where people commit, `remote.git` what they push to. */
void make_remote(const char *folder);

/* file://FOLDER/remote.git, its folder `site`, with the copy at FOLDER/COPY. */
struct git_settings settings_of(struct arena *arena, const char *folder, const char *copy);

struct git *open_with(const struct git_settings *settings);
struct git *open_remote(struct arena *arena, const char *folder, const char *copy);

/* Commits a status of one file with this text and subject. */
void commit_text(struct git *git, const char *text);

/* The repository is sound, and these are the subjects of its status branch, the newest first, a blank behind each. */
void check_log(const char *folder, const char *repository, const char *expected);

/* The call, which fills `failure`, has to succeed. */
#define must(call)                                                                                                     \
	do {                                                                                                           \
		struct error failure = {{0}};                                                                          \
		if ((call) < 0) {                                                                                      \
			fail_msg("%s: %s", #call, failure.message);                                                    \
		}                                                                                                      \
	} while (0)

#endif
