#include "state/desired_parse.h"

void desired_warn(struct parsing *parsing)
{
	(void)parsing;
}
