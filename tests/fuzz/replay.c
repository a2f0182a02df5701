/*
 * Runs every file of the folders given through a fuzz target, so that its corpus is an ordinary test, with any
 * compiler. The last line says how many there were; none is a failure.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void end(const char *path)
{
	perror(path);
	exit(EXIT_FAILURE);
}

static void run_file(const char *path)
{
	struct stat st;
	FILE *file = fopen(path, "rb");
	if (file == NULL || fstat(fileno(file), &st) < 0) {
		end(path);
	}
	/* Exactly as large as the file: a sanitizer sees a read behind it. */
	size_t size = (size_t)st.st_size;
	uint8_t *bytes = malloc(size == 0 ? 1 : size);
	if (bytes == NULL || fread(bytes, 1, size, file) != size) {
		end(path);
	}
	puts(path);
	(void)fflush(stdout); /* the last line names the input that ends the program */
	LLVMFuzzerTestOneInput(bytes, size);
	free(bytes);
	(void)fclose(file);
}

static size_t run_folder(const char *folder)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, NULL, alphasort);
	if (count < 0) {
		end(folder);
	}
	size_t run = 0;
	for (int i = 0; i < count; i++) {
		if (entries[i]->d_name[0] != '.') {
			char *path = NULL;
			if (asprintf(&path, "%s/%s", folder, entries[i]->d_name) < 0) {
				end(folder);
			}
			run_file(path);
			free(path);
			run++;
		}
		free(entries[i]);
	}
	free(entries);
	return run;
}

int main(int argc, char **argv)
{
	size_t run = 0;
	for (int i = 1; i < argc; i++) {
		run += run_folder(argv[i]);
	}
	printf("%zu inputs\n", run);
	return run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
