#include "steer/condition.h"

#include "flow/flow.h"

int
condition_open(struct condition *c, struct header *h, struct err *e)
{
	if (barrier_open(&c->barrier, c->path, NULL, e) != 0)
		return -1;
	if (flow_level(c->barrier, c->quantile, "--when", &c->level, e) != 0)
		return err_prefix(e, "'%s': ", c->path);
	c->work = field_work_alloc(c->barrier->field);
	if (c->work == NULL || header_add_side(h, c->path, c->barrier->digest) != 0)
		return err_memory(e);
	return 0;
}

int
condition_met(const struct condition *c, const float *act)
{
	return field_h(c->barrier->field, c->work, act) >= c->level;
}
