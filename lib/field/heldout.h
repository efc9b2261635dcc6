/* heldout - fits a field, and measures it on groups held out of the fit. */
#ifndef ODESTEER_HELDOUT_H
#define ODESTEER_HELDOUT_H

#include "field/field.h"

/*
 * Fits a field of this type to d with options o, and reports on the fit and on
 * held-out groups in rep. rep->held_out is the caller's memory, [d->n]. Returns
 * NULL with a message in e.
 */
struct field *field_fit(const struct field_type *type, const struct fit_data *d,
    const struct fit_options *o, struct fit_report *rep, struct err *e);

#endif
