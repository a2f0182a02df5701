#include "state/arena.h"
#include "state/text.h"
#include "state/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct yaml_node *read_bytes(struct arena *arena, const char *bytes, size_t length,
                                          struct problem_list *ret_problems)
{
	struct problems problems;
	problems_init(&problems, arena);
	struct desired_file file = {.name = "a.yaml", .bytes = bytes, .length = length};
	const struct yaml_node *root = yaml_read(arena, &file, &problems);
	*ret_problems = problems_end(&problems);
	return root;
}

static const char *join(struct arena *arena, const struct problem_list *problems)
{
	struct text text;
	text_init(&text, arena);
	for (size_t i = 0; i < problems->count; i++) {
		text_print(&text, "%s%s", i == 0 ? "" : "\n", problems->lines[i]);
	}
	return text_string(&text);
}

/* A tree as one line, with the place of each node: {a@1:1: 'b'@1:4}. Recursive, for the tests' own small trees. */
static void show(struct text *text, const struct yaml_node *node)
{
	switch (node->kind) {
	case YAML_SCALAR:
		text_print(text, node->plain ? "%s" : "'%s'", node->text);
		break;
	case YAML_SEQUENCE:
		text_add(text, "[");
		for (size_t i = 0; i < node->count; i++) {
			text_add(text, i == 0 ? "" : ", ");
			show(text, node->items[i]);
		}
		text_add(text, "]");
		break;
	case YAML_MAPPING:
		text_add(text, "{");
		for (size_t i = 0; i < node->count; i++) {
			text_add(text, i == 0 ? "" : ", ");
			show(text, node->keys[i]);
			text_add(text, ": ");
			show(text, node->items[i]);
		}
		text_add(text, "}");
		break;
	case YAML_REFUSED:
		text_add(text, "refused");
		break;
	}
	text_print(text, "@%u:%u", node->at.line, node->at.column);
}

struct read_case {
	const char *bytes;
	const char *tree; /* NULL: none */
	const char *problems;
};

static const struct read_case READ_CASES[] = {
        {"", NULL, ""},
        {"# nothing\n", NULL, ""},
        {"---\n", NULL, ""},
        {"~\n", NULL, ""},
        {"null", NULL, ""},
        {"a: b\n", "{a@1:1: b@1:4}@1:1", ""},
        {"a: 'b'\n\"c\": \"d\"\n", "{a@1:1: 'b'@1:4, 'c'@2:1: 'd'@2:6}@1:1", ""},
        {"- a\n- [b, {c: d}]\n", "[a@1:3, [b@2:4, {c@2:8: d@2:11}@2:7]@2:3]@1:1", ""},
        {"a:\n  b:\nc: []\n", "{a@1:1: {b@2:3: @2:5}@2:3, c@3:1: []@3:4}@1:1", ""},
        {"a: |\n  one\n  two\n", "{a@1:1: 'one\ntwo\n'@1:4}@1:1", ""},
        {"größe: \"✓\" # 😀\nb: c\n", "{größe@1:1: '✓'@1:8, b@2:1: c@2:4}@1:1", ""},
        {"😀: {é: x}\n", "{😀@1:1: {é@1:5: x@1:8}@1:4}@1:1", ""},
        {"a: b\r\nc: d\r\n", "{a@1:1: b@1:4, c@2:1: d@2:4}@1:1", ""},
        {"\xef\xbb\xbf"
         "a: b\n",
         "{a@1:1: b@1:4}@1:1", ""},
        {"---\na: b\n...\n", "{a@2:1: b@2:4}@2:1", ""},
        {"a: \"x\\ty\"\n", "{a@1:1: 'x\ty'@1:4}@1:1", ""},
        {"\"<<\": a\n", "{'<<'@1:1: a@1:7}@1:1", ""},
        /* refused, and read on */
        {"a: 1\nb: 2\na: 3\n", "{a@1:1: 1@1:4, b@2:1: 2@2:4}@1:1",
         "a.yaml:3:1: key 'a' is given twice: first at a.yaml:1:1"},
        {"{a: 1, 'a': 2, a: 3}", "{a@1:2: 1@1:5}@1:1",
         "a.yaml:1:8: key 'a' is given twice: first at a.yaml:1:2\n"
         "a.yaml:1:16: key 'a' is given twice: first at a.yaml:1:2"},
        {"a: &x [1]\nb: *x\n", "{a@1:1: [1@1:8]@1:4, b@2:1: refused@2:4}@1:1",
         "a.yaml:1:4: anchors are not read: write the value out, without '&x'\n"
         "a.yaml:2:4: aliases are not read: write the value out in place of '*x'"},
        {"a: !!str 1\nb: !x {}\nc: ! d\n", "{a@1:1: 1@1:4, b@2:1: {}@2:4, c@3:1: d@3:4}@1:1",
         "a.yaml:1:4: tags are not read: leave '!!str' out\n"
         "a.yaml:2:4: tags are not read: leave '!x' out\n"
         "a.yaml:3:4: tags are not read: leave '!' out"},
        {"<<: {a: b}\nc: d\n", "{c@2:1: d@2:4}@1:1", "a.yaml:1:1: merge keys are not read: write the keys out"},
        {"%YAML 1.1\n---\na: b\n", "{a@3:1: b@3:4}@3:1",
         "a.yaml:1:1: directives are not read: remove the line that begins with %"},
        {"%TAG !e! tag:example.com,2000:\n---\na: b\n", "{a@3:1: b@3:4}@3:1",
         "a.yaml:1:1: directives are not read: remove the line that begins with %"},
        {"a: b\n---\nc: d\n", "{a@1:1: b@1:4}@1:1",
         "a.yaml:2:1: a second document: a file holds one, so write it into a file of its own"},
        {"? [a]\n: b\nc: d\n", "{c@3:1: d@3:4}@1:1", "a.yaml:1:3: a key must be text, not a list"},
        {"?\n: a\nb: c\n", "{b@3:1: c@3:4}@1:1", "a.yaml:1:2: a key is missing: write KEY: VALUE"},
        {"*x : b\nc: d\n", "{c@2:1: d@2:4}@1:1",
         "a.yaml:1:1: aliases are not read: write the value out in place of '*x'"},
        {"a: \"b\\0c\"\n", "{a@1:1: refused@1:4}@1:1", "a.yaml:1:4: a text with a zero byte: leave \\0 out"},
        /* refused, and the end of the file */
        {": a\n", NULL, "a.yaml:1:1: not a key of the mapping that begins in line 1: mend the indentation"},
        {"a: {b: c\nd: e\n", NULL, "a.yaml:2:2: expected ',' or '}' in the mapping that begins in line 1"},
        {"a:\n  b: c\n d: e\n", NULL,
         "a.yaml:3:2: not a key of the mapping that begins in line 1: mend the indentation"},
        {"a: b: c\n", NULL,
         "a.yaml:1:5: a ':' where no key can be: quote the text, mend the indentation, or end the key above with ':'"},
        {"a:\n\tb: c\n", NULL, "a.yaml:2:1: a tab cannot indent: use spaces"},
        {"a: `b\n", NULL, "a.yaml:1:4: a text that begins with '`' must be quoted"},
        {"a: \"b\n", NULL, "a.yaml:1:4: this quote is not closed"},
        {"é: x\n\n  - \xff\n", NULL, "a.yaml:3:5: not UTF-8: save the file in that encoding"},
        {"a: \xc0\xaf\n", NULL, "a.yaml:1:4: not UTF-8: save the file in that encoding"},
        {"a: \xed\xa0\x80\n", NULL, "a.yaml:1:4: not UTF-8: save the file in that encoding"},
        {"a: \xe2\x82", NULL, "a.yaml:1:4: not UTF-8: save the file in that encoding"},
        {"a: é\x01 \x02\nb: \x7f\n", NULL,
         "a.yaml:1:5: control character U+0001: remove it\n"
         "a.yaml:2:4: control character U+007F: remove it"},
        {"a: \xc2\x85\n", NULL, "a.yaml:1:4: control character U+0085: remove it"},
        {"a: b\rc: d\r", NULL, "a.yaml:1:5: a carriage return without a line feed: end lines with LF or CR LF"},
        {"a: \xef\xbb\xbf\n", NULL, "a.yaml:1:4: control character U+FEFF: remove it"},
};

static void test_reads_the_subset_and_names_the_rest(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(READ_CASES); i++) {
		cleanup_arena struct arena *arena = arena_create();
		const struct read_case *c = &READ_CASES[i];
		struct problem_list problems;
		struct text tree;
		text_init(&tree, arena);
		const struct yaml_node *root = read_bytes(arena, c->bytes, strlen(c->bytes), &problems);
		if (root != NULL) {
			show(&tree, root);
		}
		assert_string_equal(text_string(&tree), c->tree == NULL ? "" : c->tree);
		assert_string_equal(join(arena, &problems), c->problems);
	}
}

static void test_a_zero_byte_does_not_end_the_file(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	static const char bytes[] = "a: b\n\0c: d\n";
	struct problem_list problems;
	assert_null(read_bytes(arena, bytes, sizeof(bytes) - 1, &problems));
	assert_string_equal(join(arena, &problems), "a.yaml:2:1: control character U+0000: remove it");
}

static void test_depth_is_bounded(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	struct problem_list problems;
	struct text text;
	text_init(&text, arena);
	for (int i = 0; i < YAML_DEPTH; i++) {
		text_add(&text, "[");
	}
	const char *deep = text_string(&text);
	const char *closed = "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]";
	assert_int_equal(strlen(closed), YAML_DEPTH);
	const char *fits = arena_print(arena, "%s%s", deep, closed);
	assert_non_null(read_bytes(arena, fits, strlen(fits), &problems));
	assert_int_equal(problems.count, 0);
	text_add(&text, "[");
	assert_null(read_bytes(arena, text_string(&text), text.length, &problems));
	assert_string_equal(join(arena, &problems), "a.yaml:1:33: nested too deep: at most 32 levels are read");
}

static void test_types_are_those_of_yaml_1_2(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum yaml_type type;
		bool needs_quotes;
	} cases[] = {
	        {"", YAML_NULL, true},           {"~", YAML_NULL, true},         {"NULL", YAML_NULL, true},
	        {"nULL", YAML_TEXT, false},      {"true", YAML_BOOLEAN, true},   {"False", YAML_BOOLEAN, true},
	        {"yes", YAML_TEXT, true},        {"off", YAML_TEXT, true},       {"0", YAML_NUMBER, true},
	        {"-12", YAML_NUMBER, true},      {"+.5", YAML_NUMBER, true},     {"1.", YAML_NUMBER, true},
	        {"1e3", YAML_NUMBER, true},      {"1e", YAML_TEXT, false},       {"0x1F", YAML_NUMBER, true},
	        {"0o17", YAML_NUMBER, true},     {"0x", YAML_TEXT, false},       {".inf", YAML_NUMBER, true},
	        {"-.INF", YAML_NUMBER, true},    {"-.nan", YAML_TEXT, false},    {".", YAML_TEXT, false},
	        {"1.2.3", YAML_TEXT, false},     {"10.0.0.1", YAML_TEXT, false}, {"4GiB", YAML_TEXT, false},
	        {"22:00", YAML_TEXT, true},      {"1_000", YAML_TEXT, true},     {"0b101", YAML_TEXT, true},
	        {"2026-11-23", YAML_TEXT, true}, {"12-34", YAML_TEXT, false},    {"-", YAML_TEXT, false},
	        {"<<", YAML_TEXT, true},         {"web-1", YAML_TEXT, false},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(yaml_type_of(cases[i].text), cases[i].type);
		assert_int_equal(yaml_needs_quotes(cases[i].text), cases[i].needs_quotes);
	}
}

static const char *write_pair(struct arena *arena, const char *key, const char *value, bool flow)
{
	struct yaml_writer *writer = yaml_write_begin(arena);
	yaml_write_map(writer, flow);
	yaml_write_key(writer, key);
	yaml_write_string(writer, value);
	yaml_write_close(writer);
	return yaml_write_end(writer);
}

static void test_quotes_stand_only_where_they_must(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
	        {"web-1", "a: web-1\n"},
	        {"/var/lib/x y.img", "a: /var/lib/x y.img\n"},
	        {"", "a: \"\"\n"},
	        {"true", "a: \"true\"\n"},
	        {"null", "a: \"null\"\n"},
	        {"123", "a: \"123\"\n"},
	        {"22:00", "a: \"22:00\"\n"},
	        {"9.0.0", "a: 9.0.0\n"},
	        {"nbd://192.0.2.1:10809/web-1", "a: nbd://192.0.2.1:10809/web-1\n"},
	        {"cannot connect: refused", "a: \"cannot connect: refused\"\n"},
	        {"it's", "a: \"it's\"\n"},
	        {"a #b", "a: \"a #b\"\n"},
	        {"a#b", "a: a#b\n"},
	        {" a", "a: \" a\"\n"},
	        {"a ", "a: \"a \"\n"},
	        {"a:", "a: \"a:\"\n"},
	        {"- a", "a: \"- a\"\n"},
	        {"*a", "a: \"*a\"\n"},
	        {"[a]", "a: \"[a]\"\n"},
	        {"größe ✓", "a: größe ✓\n"},
	        {"one\ntwo\t\"\\", "a: \"one\\ntwo\\t\\\"\\\\\"\n"},
	        {"\x01\x7f\xc2\x85", "a: \"\\x01\\x7F\\N\"\n"},
	        {"\xff\xe2\x82", "a: \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\n"},
	        {"---", "a: \"---\"\n"},
	        {"\xe2\x80\xae"
	         "evil",
	         "a: \"\\u202Eevil\"\n"},
	        {"a\u200bb\u2066c\u061cd", "a: \"a\\u200Bb\\u2066c\\u061Cd\"\n"},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		cleanup_arena struct arena *arena = arena_create();
		assert_string_equal(write_pair(arena, "a", cases[i][0], false), cases[i][1]);
	}
}

static void test_layout_is_block_or_flow(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	struct yaml_writer *writer = yaml_write_begin(arena);
	yaml_write_map(writer, false);
	yaml_write_key(writer, "berth");
	yaml_write_plain(writer, "1");
	yaml_write_key(writer, "pools");
	yaml_write_map(writer, false);
	yaml_write_key(writer, "images");
	yaml_write_map(writer, true);
	yaml_write_key(writer, "formats");
	yaml_write_list(writer, true);
	yaml_write_string(writer, "raw");
	yaml_write_string(writer, "qcow2");
	yaml_write_close(writer);
	yaml_write_key(writer, "path");
	yaml_write_string(writer,
	                  "/a/rather/long/path/that/would/be/folded/if/lines/had/a/width/of/eighty/columns and more");
	yaml_write_close(writer);
	yaml_write_close(writer);
	yaml_write_key(writer, "none");
	yaml_write_map(writer, false);
	yaml_write_close(writer);
	yaml_write_key(writer, "list");
	yaml_write_list(writer, false);
	yaml_write_string(writer, "a");
	yaml_write_close(writer);
	yaml_write_close(writer);
	assert_string_equal(
	        yaml_write_end(writer),
	        "berth: 1\n"
	        "pools:\n"
	        "  images: {formats: [raw, qcow2], path: "
	        "/a/rather/long/path/that/would/be/folded/if/lines/had/a/width/of/eighty/columns and more}\n"
	        "none: {}\n"
	        "list:\n"
	        "- a\n");
}

/* Strings made of the characters that matter to YAML; the sequence is the same in every run. */
static void test_every_string_reads_back_the_same(void **state)
{
	(void)state;
	static const char *const pieces[] = {"a",
	                                     "b",
	                                     " ",
	                                     ":",
	                                     "#",
	                                     "-",
	                                     "?",
	                                     ",",
	                                     "[",
	                                     "]",
	                                     "{",
	                                     "}",
	                                     "&",
	                                     "*",
	                                     "!",
	                                     "|",
	                                     ">",
	                                     "'",
	                                     "\"",
	                                     "%",
	                                     "@",
	                                     "`",
	                                     "\\",
	                                     "\n",
	                                     "\r",
	                                     "\t",
	                                     "0",
	                                     "1",
	                                     "~",
	                                     "<<",
	                                     ".",
	                                     "null",
	                                     "\x01",
	                                     "\x7f",
	                                     "\xc2\x85",
	                                     "é",
	                                     "✓",
	                                     "😀",
	                                     "=",
	                                     "_",
	                                     "e",
	                                     "\xe2\x80\xa8",
	                                     "\xef\xbb\xbf",
	                                     "\xe2\x80\xae",
	                                     "\xe2\x81\xa6",
	                                     "\xd8\x9c",
	                                     "\xef\xbf\xbe"};
	uint32_t seed = 1;
	for (int round = 0; round < 20000; round++) {
		cleanup_arena struct arena *arena = arena_create();
		struct text string;
		text_init(&string, arena);
		int length = round % 7;
		for (int i = 0; i < length; i++) {
			seed = seed * 1664525 + 1013904223;
			text_add(&string, pieces[(seed >> 16) % COUNT(pieces)]);
		}
		const char *text = text_string(&string);
		struct problem_list problems;
		const char *yaml = write_pair(arena, text[0] == '\0' ? "x" : text, text, round % 2 == 0);
		const struct yaml_node *root = read_bytes(arena, yaml, strlen(yaml), &problems);
		assert_int_equal(problems.count, 0);
		assert_int_equal(root->count, 1);
		assert_string_equal(root->items[0]->text, text);
		assert_int_equal(yaml_type(root->items[0]), YAML_TEXT);
		if (text[0] != '\0') {
			assert_string_equal(root->keys[0]->text, text);
		}
	}
}

static void test_problems_are_sorted_printable_and_said_once(void **state)
{
	(void)state;
	cleanup_arena struct arena *arena = arena_create();
	struct problems problems;
	problems_init(&problems, arena);
	problems_add(&problems, (struct position){.file = "b", .line = 1, .column = 1}, "last");
	problems_add(&problems, (struct position){.file = "a", .line = 10, .column = 1}, "third");
	problems_add(&problems, (struct position){.file = "a", .line = 9, .column = 2}, "sec\x1b[31mond\n");
	problems_add(&problems, (struct position){.file = "a", .line = 9, .column = 1}, "first");
	problems_add(&problems, (struct position){.file = "a", .line = 9, .column = 1}, "first");
	struct problem_list list = problems_end(&problems);
	assert_string_equal(join(arena, &list), "a:9:1: first\na:9:2: sec?[31mond?\na:10:1: third\nb:1:1: last");
	assert_string_equal(problems_quote(&problems, "é"), "'é'");
	assert_string_equal(problems_quote(&problems, "éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééx"),
	                    "'éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé…'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_reads_the_subset_and_names_the_rest),
	        cmocka_unit_test(test_a_zero_byte_does_not_end_the_file),
	        cmocka_unit_test(test_depth_is_bounded),
	        cmocka_unit_test(test_types_are_those_of_yaml_1_2),
	        cmocka_unit_test(test_quotes_stand_only_where_they_must),
	        cmocka_unit_test(test_layout_is_block_or_flow),
	        cmocka_unit_test(test_every_string_reads_back_the_same),
	        cmocka_unit_test(test_problems_are_sorted_printable_and_said_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
