/*
 * heldout - fits a field, and finds how well it does on groups held out of the fit.
 */
#ifndef ODESTEER_HELDOUT_H
#define ODESTEER_HELDOUT_H

#include "field/field.h"

/*
 * Fits a field and what is to be known of it on held-out groups. rep->held_out
 * is the caller's memory, [d->n]. NULL on failure.
 */
struct field *field_fit(const struct field_type *type, const struct fit_data *d,
    const struct fit_options *o, struct fit_report *rep, struct err *e);

#endif
