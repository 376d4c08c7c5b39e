/*
 * ready.c
 *		Pages that have arrived and wait to be read.
 */
#include "postgres.h"

#include "netsuite_fdw/failure.h"
#include "netsuite_fdw/ready.h"
#include "utils/memutils.h"

/* A page, with the memory of one that was read if there is one */
Ready *
ready_new(dlist_head *spare, MemoryContext context)
{
	Ready *r;
	HttpBuffer text;

	if (dlist_is_empty(spare))
		return MemoryContextAllocZero(context, sizeof(Ready));
	r = dlist_container(Ready, node, dlist_pop_head_node(spare));
	text = r->page.text;
	memset(r, 0, sizeof(Ready));
	r->page.text = text;
	return r;
}

void
ready_drop_text(HttpBuffer *text)
{
	free(text->data);
	memset(text, 0, sizeof(HttpBuffer));
}

/* Keep the memory of a page for the next one, unless it was a giant */
void
ready_recycle(dlist_head *spare, Ready *r, size_t most)
{
	if (r->page.text.capacity > most)
		ready_drop_text(&r->page.text);
	dlist_push_head(spare, &r->node);
}

/* Runs when the reply has come, in the client: take the text, prove it whole */
bool
ready_accept(Request *request, void *arg, const char **why)
{
	Ready *r = arg;

	switch (http_text(request->http, request->max_body, &r->page.text))
	{
		case HTTP_TEXT_TOO_LARGE:
			request->outcome = OUTCOME_TOO_LARGE;
			*why = NULL;
			return false;
		case HTTP_TEXT_NO_MEMORY:
			request->outcome = OUTCOME_NO_MEMORY;
			*why = NULL;
			return false;
		case HTTP_TEXT_BROKEN:
			*why = "the compressed reply is damaged";
			return false;
		case HTTP_TEXT_OK:
			break;
	}
	if (!page_frame(&r->page, why))
	{
		*why = failure_instead(r->page.text.data, r->page.text.len, *why);
		return false;
	}
	if (r->page.offset >= 0 && r->page.offset != r->offset)
	{
		*why = "the reply begins at a different row than was asked for";
		return false;
	}
	return true;
}
