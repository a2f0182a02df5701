/*
 * A temporary folder for a test, and a shell in it. Repositories are made by `git` itself, with a configuration of
 * their own.
 */
#ifndef BERTH_TEST_FOLDER_H
#define BERTH_TEST_FOLDER_H

/* cmocka's setup and teardown: *state is the folder's path. */
int folder_make(void **state);

/* In memory where the machine has a place for that: for tests that flush thousands of files. */
int folder_make_in_memory(void **state);
int folder_remove(void **state);

/* Runs a line of sh in the folder; fails the test unless it exits with 0. */
void shell(const char *folder, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Its standard output without the last line break, to be freed. */
char *shell_output(const char *folder, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
