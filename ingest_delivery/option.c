/*
 * option.c
 *		Options of sinks: how each is checked when it is set, and read when it is used.
 */
#include "postgres.h"

#include "common/attribute.h"
#include "common/json_build.h"
#include "common/keyvault.h"
#include "ingest_delivery/identity.h"
#include "ingest_delivery/kind.h"
#include "ingest_delivery/option.h"
#include "ingest_delivery/reference.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/numeric.h"

/* Of a header */
#define LONGEST_NAME 100
#define LONGEST_VALUE 1000
#define MOST_OF_LIST 100

void
option_refuse(const char *option, const char *rule, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value of option \"%s\"", option),
			 errdetail("%s", rule),
			 hint ? errhint("%s", hint) : 0));
}

/* -- reading -- */

static bool
value_of(const Jsonb *options, const char *name, JsonbValue *value)
{
	return getKeyJsonValueFromContainer((JsonbContainer *) &options->root, name, strlen(name), value) != NULL && value->type != jbvNull;
}

static char *
text_of(const JsonbValue *value)
{
	return pnstrdup(value->val.string.val, value->val.string.len);
}

bool
option_is_set(const Jsonb *options, const char *name)
{
	JsonbValue value;

	return value_of(options, name, &value);
}

char *
option_text(const Jsonb *options, const char *name)
{
	JsonbValue value;

	return value_of(options, name, &value) && value.type == jbvString ? text_of(&value) : NULL;
}

int
option_number(const Jsonb *options, const char *name, int otherwise)
{
	JsonbValue value;

	if (!value_of(options, name, &value) || value.type != jbvNumeric)
		return otherwise;
	return DatumGetInt32(DirectFunctionCall1(numeric_int4, NumericGetDatum(value.val.numeric)));
}

bool
option_truth(const Jsonb *options, const char *name, bool otherwise)
{
	JsonbValue value;

	return value_of(options, name, &value) && value.type == jbvBool ? value.val.boolean : otherwise;
}

List *
option_texts(const Jsonb *options, const char *name)
{
	JsonbValue value;
	JsonbIterator *i;
	JsonbIteratorToken token;
	char *key = NULL;
	List *texts = NIL;

	if (!value_of(options, name, &value))
		return NIL;
	if (value.type == jbvString)
		return list_make1(text_of(&value));
	if (value.type != jbvBinary)
		return NIL;
	i = JsonbIteratorInit(value.val.binary.data);
	while ((token = JsonbIteratorNext(&i, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			key = text_of(&value);
		else if (token == WJB_VALUE && value.type == jbvString)
			texts = lappend(texts, psprintf("%s: %s", key, text_of(&value)));
		else if (token == WJB_ELEM && value.type == jbvString)
			texts = lappend(texts, text_of(&value));
	}
	return texts;
}

/* -- checks -- */

void
check_printable(const char *option, const char *value)
{
	for (const unsigned char *c = (const unsigned char *) value; *c; c++)
		if (*c < 0x20 || *c >= 0x7f)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("what option \"%s\" refers to cannot be sent in a header", option),
					 errdetail("It must contain only printable ASCII.")));
}

void
check_secret_url(const char *option, const char *secret)
{
	(void) url_check(option, secret, "https,http");
}

static bool
is_word(const char *words, const char *word)
{
	size_t n = strlen(word);

	for (const char *w = words; *w; w += strcspn(w, ","), w += *w == ',')
		if (strcspn(w, ",") == n && strncmp(w, word, n) == 0)
			return true;
	return false;
}

/* a, b or c */
static char *
in_words(const char *words)
{
	StringInfoData out;

	initStringInfo(&out);
	for (const char *w = words; *w; w += strcspn(w, ","), w += *w == ',')
	{
		size_t n = strcspn(w, ",");

		appendStringInfo(&out, "%s%.*s", w == words ? "" : w[n] ? ", "
																: " or ",
						 (int) n, w);
	}
	return out.data;
}

static bool
begins_with(const char *text, const char *beginning)
{
	return strncmp(text, beginning, strlen(beginning)) == 0;
}

static bool
is_own_header(const char *name)
{
	return begins_with(name, "webhook-") || begins_with(name, "ce-") || begins_with(name, "content-") ||
		   is_word("host,connection,transfer-encoding,te,trailer,upgrade,expect,user-agent,keep-alive,accept-encoding", name);
}

static bool
is_secret_header(const char *name)
{
	return is_word("authorization,proxy-authorization,cookie", name) || strstr(name, "token") || strstr(name, "secret") || strstr(name, "apikey") ||
		   strstr(name, "api-key") || strstr(name, "password");
}

static void
check_header(const char *option, const char *name, const char *value)
{
	char *lower = asc_tolower(name, strlen(name));
	size_t n = strlen(value);
	bool good = *name && strlen(name) <= LONGEST_NAME && n > 0 && n <= LONGEST_VALUE && value[0] != ' ' && value[n - 1] != ' ' &&
				strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+.^_`|~-") == strlen(name);

	for (const unsigned char *c = (const unsigned char *) value; *c; c++)
		good = good && *c >= 0x20 && *c < 0x7f;
	if (!good)
		option_refuse(option, "A name has letters, digits and -, a value printable ASCII alone.", NULL);
	if (is_own_header(lower))
		option_refuse(option, psprintf("\"%s\" is set by the sink itself.", name), NULL);
	if (is_secret_header(lower))
		option_refuse(option, psprintf("\"%s\" holds a secret: option authorization takes a reference to the whole value of the header Authorization.", name), NULL);
}

static void
check_headers(const OptionRule *rule, const JsonbValue *value)
{
	JsonbIterator *i;
	JsonbIteratorToken token;
	JsonbValue v;
	char *name = NULL;

	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		option_refuse(rule->name, "It must be an object of names and texts.", NULL);
	i = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&i, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			name = text_of(&v);
		else if (token == WJB_VALUE)
			check_header(rule->name, name, v.type == jbvString ? text_of(&v) : "");
	}
}

static void
check_list(const OptionRule *rule, const Jsonb *options, const JsonbValue *value)
{
	List *texts = option_texts(options, rule->name);
	ListCell *lc;
	bool is_array = value->type == jbvBinary && JsonContainerIsArray(value->val.binary.data);

	if (value->type != jbvString && (!is_array || list_length(texts) != JsonContainerSize(value->val.binary.data)))
		option_refuse(rule->name, "It must be a text or an array of texts.", NULL);
	if (texts == NIL || list_length(texts) > MOST_OF_LIST)
		option_refuse(rule->name, psprintf("It must have 1 to %d texts.", MOST_OF_LIST), NULL);
	foreach (lc, texts)
		rule->check(rule->name, lfirst(lc));
}

static void
check_number(const OptionRule *rule, const JsonbValue *value)
{
	bool good = false;

	if (value->type == jbvNumeric)
	{
		Datum low = DirectFunctionCall1(int4_numeric, Int32GetDatum(rule->lowest));
		Datum high = DirectFunctionCall1(int4_numeric, Int32GetDatum(rule->highest));
		Datum number = NumericGetDatum(value->val.numeric);

		good = DatumGetBool(DirectFunctionCall2(numeric_ge, number, low)) && DatumGetBool(DirectFunctionCall2(numeric_le, number, high)) &&
			   DatumGetBool(DirectFunctionCall2(numeric_eq, number, DirectFunctionCall2(numeric_trunc, number, Int32GetDatum(0))));
	}
	if (!good)
		option_refuse(rule->name, psprintf("It must be a whole number from %d to %d.", rule->lowest, rule->highest), NULL);
}

static void
check_reference(const OptionRule *rule, Oid actor, const Jsonb *options, const char *reference)
{
	AzureIdentity *identity = rule->form == OPTION_OPENER ? NULL : identity_of(actor, options);
	char *secret = reference_resolve(actor, identity, rule->name, reference);

	if (identity)
		identity_wipe(identity);

	if (rule->check)
		rule->check(rule->name, secret);
	explicit_bzero(secret, strlen(secret));
}

/* What is kept in its place, or NULL for as it is */
static char *
check_text(const OptionRule *rule, Oid actor, const Jsonb *options, const char *text)
{
	switch (rule->form)
	{
		case OPTION_WORD:
			if (!is_word(rule->words, text))
				option_refuse(rule->name, psprintf("It must be %s.", in_words(rule->words)), NULL);
			return NULL;
		case OPTION_URL:
			return url_check(rule->name, text, rule->words);
		case OPTION_OPENER:
			if (keyvault_is_reference(text))
				option_refuse(rule->name, "It opens vaults, and cannot be kept in one.", NULL);
			pg_fallthrough;
		case OPTION_REFERENCE:
			check_reference(rule, actor, options, text);
			return NULL;
		case OPTION_FILE:
			if (!reads_files(actor))
				ereport(ERROR,
						(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						 errmsg("option \"%s\" names a file of the server", rule->name),
						 errhint("It is for superusers and members of pg_read_server_files.")));
			return NULL;
		default:
			if (rule->check)
				rule->check(rule->name, text);
			return NULL;
	}
}

static char *
check_one(const OptionRule *rule, Oid actor, const Jsonb *options)
{
	JsonbValue value;

	if (!value_of(options, rule->name, &value))
		return NULL;
	switch (rule->form)
	{
		case OPTION_NUMBER:
			check_number(rule, &value);
			return NULL;
		case OPTION_TRUTH:
			if (value.type != jbvBool)
				option_refuse(rule->name, "It must be true or false.", NULL);
			return NULL;
		case OPTION_HEADERS:
			check_headers(rule, &value);
			return NULL;
		case OPTION_LIST:
			check_list(rule, options, &value);
			return NULL;
		default:
			if (value.type != jbvString)
				option_refuse(rule->name, "It must be a text.", NULL);
			return check_text(rule, actor, options, text_of(&value));
	}
}

/* -- all of a kind -- */

static char *
names_of(const Kind *kind)
{
	StringInfoData out;

	initStringInfo(&out);
	for (const OptionRule *rule = kind->options; rule->name; rule++)
		appendStringInfo(&out, "%s%s", rule == kind->options ? "" : ", ", rule->name);
	return out.data;
}

static const OptionRule *
rule_of(const OptionRule *rules, const char *name)
{
	for (; rules->name; rules++)
		if (strcmp(rules->name, name) == 0)
			return rules;
	return NULL;
}

const OptionRule *
option_rule(const Kind *kind, const char *name)
{
	const OptionRule *own = rule_of(kind->options, name);

	return own ? own : rule_of(identity_options, name);
}

static void
check_names(const Kind *kind, Jsonb *options)
{
	JsonbIterator *i = JsonbIteratorInit(&options->root);
	JsonbIteratorToken token;
	JsonbValue v;

	while ((token = JsonbIteratorNext(&i, &v, true)) != WJB_DONE)
	{
		char *name;

		if (token != WJB_KEY)
			continue;
		name = text_of(&v);
		if (option_rule(kind, name) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s has no option \"%s\"", kind->what, name),
					 errhint("Its options are %s.", names_of(kind))));
	}
	for (const OptionRule *rule = kind->options; rule->name; rule++)
		if (rule->needed && !option_is_set(options, rule->name))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s needs option \"%s\"", kind->what, rule->name),
					 errhint("%s", kind->needs)));
}

static Jsonb *
with_text(Jsonb *options, const char *name, const char *text)
{
	JsonBuild build = {0};
	JsonbValue v;

	json_build(&build, WJB_BEGIN_OBJECT, NULL);
	v.type = jbvString;
	v.val.string.val = unconstify(char *, name);
	v.val.string.len = strlen(name);
	json_build(&build, WJB_KEY, &v);
	v.val.string.val = unconstify(char *, text);
	v.val.string.len = strlen(text);
	json_build(&build, WJB_VALUE, &v);
	json_build(&build, WJB_END_OBJECT, NULL);
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(options), JsonbPGetDatum(JsonbValueToJsonb(build.result))));
}

/* It needs no option but an identity, so the right to use it is looked at by itself */
static void
check_identity(Oid actor, const Jsonb *options)
{
	AzureIdentity *identity = identity_of(actor, options);

	need_identity(actor, identity, "url");
	identity_wipe(identity);
}

Jsonb *
options_check(const Kind *kind, Oid actor, Jsonb *given)
{
	Jsonb *options = given;

	if (given == NULL || !JB_ROOT_IS_OBJECT(given))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the options of a sink must be a JSON object"),
				 errhint("The options of %s are %s.", kind->what, names_of(kind))));
	check_names(kind, given);
	for (const OptionRule *rule = identity_options; rule->name; rule++)
		(void) check_one(rule, actor, given);
	for (const OptionRule *rule = kind->options; rule->name; rule++)
	{
		char *kept = check_one(rule, actor, given);

		if (kept)
			options = with_text(options, rule->name, kept);
	}
	if (kind->check)
		kind->check(options);
	if (kind->token_for && kind->token_for(options))
		check_identity(actor, options);
	return options;
}
