/*
 * What a person allows berth to do beyond its limits: to carry out one plan, and to go on after failures. Kept in
 * berth's record, each as a file of its own, which is replaced as a whole and without the record's lock: who gives
 * consent is not the one who works with it, and holds that.
 */
#ifndef BERTH_CONSENT_H
#define BERTH_CONSENT_H

#include "state/record.h"

/* The folder of these files, made if it is not there: whoever works watches it (watch_open_folder). */
int consent_folder(struct record *record, struct arena *arena, const char **ret_folder, struct error *err);

/* The plan of this id may run, and no other. In place of what was approved before. Durable. */
int consent_approve(struct record *record, const char *plan, struct error *err);

/* The id of the plan that may run; NULL: none. */
int consent_approved(struct record *record, struct arena *arena, const char **ret_plan, struct error *err);
int consent_forget_approval(struct record *record, struct error *err);

/* Failures until now are to count no more. Durable. */
int consent_lift_brake(struct record *record, struct error *err);

int consent_brake_lifted(struct record *record, bool *ret_lifted, struct error *err);
int consent_forget_lift(struct record *record, struct error *err);

#endif
