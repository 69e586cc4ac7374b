// SPDX-License-Identifier: GPL-2.0-only
/* Soft state: a driver's structures, one for each minor: ddi_soft_state(9F). */
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include <xxshm/softstate.h>

/**
 * struct softstate - the structures of one driver
 * @size: size of each, in bytes; constant
 * @items: the allocated ones, by number
 */
struct softstate {
	size_t size;
	struct xarray items;
};

/**
 * ddi_soft_state_init() - get ready for structures of one size
 * @statep: the argument for the other calls is stored here
 * @size: size of a structure, in bytes, at least 1
 * @n_items: expected number of structures; no limit, and ignored here
 *
 * As ddi_soft_state_init(9F).
 *
 * Context: Process context, may sleep.
 * Return: 0; EINVAL if @statep is NULL or @size is 0; ENOMEM.
 */
int ddi_soft_state_init(void **statep, size_t size, size_t n_items)
{
	struct softstate *state;

	if (!statep || !size)
		return EINVAL;
	state = kzalloc(sizeof(*state), GFP_KERNEL);
	if (!state)
		return ENOMEM;
	state->size = size;
	xa_init(&state->items);
	*statep = state;
	return 0;
}
EXPORT_SYMBOL_GPL(ddi_soft_state_init);

/**
 * ddi_soft_state_zalloc() - allocate a structure, zeroed
 * @state: from ddi_soft_state_init()
 * @item: its number, which is not in use
 *
 * As ddi_soft_state_zalloc(9F).
 *
 * Context: Process context, may sleep.
 * Return: DDI_SUCCESS; DDI_FAILURE if @state is NULL, @item is negative or in use, or
 * there is no memory.
 */
int ddi_soft_state_zalloc(void *state, int item)
{
	struct softstate *ss = state;
	void *structure;

	if (!ss || item < 0)
		return DDI_FAILURE;
	structure = kzalloc(ss->size, GFP_KERNEL);
	if (!structure)
		return DDI_FAILURE;
	if (!xa_insert(&ss->items, item, structure, GFP_KERNEL))
		return DDI_SUCCESS;
	kfree(structure);
	return DDI_FAILURE;
}
EXPORT_SYMBOL_GPL(ddi_soft_state_zalloc);

/**
 * ddi_get_soft_state() - find a structure
 * @state: from ddi_soft_state_init()
 * @item: its number
 *
 * As ddi_get_soft_state(9F).
 *
 * Context: Any.
 * Return: the structure; NULL if there is none of that number, or @state is NULL.
 */
void *ddi_get_soft_state(void *state, int item)
{
	struct softstate *ss = state;

	return ss && item >= 0 ? xa_load(&ss->items, item) : NULL;
}
EXPORT_SYMBOL_GPL(ddi_get_soft_state);

/**
 * ddi_soft_state_free() - free a structure
 * @state: from ddi_soft_state_init(), or NULL
 * @item: its number; nothing happens if there is no such structure
 *
 * As ddi_soft_state_free(9F). Nobody may use the structure any more.
 *
 * Context: Process context.
 */
void ddi_soft_state_free(void *state, int item)
{
	struct softstate *ss = state;

	if (ss && item >= 0)
		kfree(xa_erase(&ss->items, item));
}
EXPORT_SYMBOL_GPL(ddi_soft_state_free);

/**
 * ddi_soft_state_fini() - free all structures
 * @statep: as given to ddi_soft_state_init(); NULL is stored there
 *
 * As ddi_soft_state_fini(9F).
 *
 * Context: Process context, may sleep.
 */
void ddi_soft_state_fini(void **statep)
{
	struct softstate *state;
	unsigned long item;
	void *structure;

	if (!statep || !*statep)
		return;
	state = *statep;
	xa_for_each(&state->items, item, structure)
		kfree(structure);
	xa_destroy(&state->items);
	kfree(state);
	*statep = NULL;
}
EXPORT_SYMBOL_GPL(ddi_soft_state_fini);
