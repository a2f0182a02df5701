#include "reconcile/propose.h"
#include "cmd/outcome.h"
#include "cmd/source.h"
#include "state/units.h"

#include <stdio.h>

static bool check_options(const struct options *options, struct propose_options *ret_how)
{
	int kinds = (options->balance ? 1 : 0) + (options->drain != NULL ? 1 : 0) + (options->vm != NULL ? 1 : 0);
	*ret_how = (struct propose_options){.min_gain = PROPOSE_MIN_GAIN, .keep_pins = options->keep_pins};
	if (kinds != 1) {
		complain("propose: takes one of --balance, --drain HOST and --vm NAME");
		return false;
	}
	if (!options->balance && (options->min_gain != NULL || options->keep_pins || options->moves != NULL)) {
		complain("propose: --min-gain, --moves and --keep-pins go with --balance");
		return false;
	}
	if (options->min_gain != NULL && !units_parse_share(options->min_gain, &ret_how->min_gain)) {
		complain("--min-gain takes a share such as 2%% or 0.02");
		return false;
	}
	uint64_t moves = 0;
	if (options->moves != NULL && !units_parse_number(options->moves, 1, 1000000, &moves)) {
		complain("--moves takes a whole number from 1 to 1000000");
		return false;
	}
	ret_how->moves = (uint32_t)moves;
	return true;
}

static const struct proposal *make(struct arena *arena, const struct setting *setting, const struct desired *desired,
                                   const struct inventory *inventory, const struct propose_options *how)
{
	const struct options *options = &setting->options;
	const struct proposal *proposal = NULL;
	struct error err = {0};
	int r = 0;
	if (options->drain != NULL) {
		r = propose_drain(arena, desired, inventory, options->drain, how, &proposal, &err);
	} else if (options->vm != NULL) {
		r = propose_vm(arena, desired, inventory, options->vm, how, &proposal, &err);
	} else {
		proposal = propose_balance(arena, desired, inventory, how);
	}
	if (r < 0) {
		complain("%s", err.message);
	}
	return proposal;
}

enum exit_code verb_propose(struct arena *arena, const struct setting *setting)
{
	const struct desired *desired = NULL;
	const char *key = NULL;
	const struct inventory *inventory = NULL;
	struct propose_options how;
	if (!check_options(&setting->options, &how)) {
		return EXIT_INVALID;
	}
	how.effort = setting->effort;
	enum exit_code code = source_desired(arena, setting, &desired, &key);
	if (code == EXIT_DONE) {
		code = source_inventory(arena, setting, desired, key, &inventory);
	}
	if (code != EXIT_DONE) {
		return code;
	}
	const struct proposal *proposal = make(arena, setting, desired, inventory, &how);
	if (proposal == NULL) {
		return EXIT_INVALID;
	}
	fputs(setting->output == OUTPUT_JSON ? proposal_json(arena, proposal)
	                                     : proposal_text(arena, proposal, setting->columns, setting->colour),
	      stdout);
	code = outcome_of(proposal->plan);
	if (code == EXIT_DONE && setting->options.exit_code && !proposal_is_empty(proposal)) {
		code = EXIT_CHANGES;
	}
	return code;
}
