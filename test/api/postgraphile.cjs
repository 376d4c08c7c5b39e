// PostGraphile 4 on the views of ingest_api, unchanged: keys and relations are there, and rows as SQL gives them.
// usage: postgraphile.cjs FOLDER-OF-NODE-MODULES HOST PORT DATABASE USER EXPECTED.json
const path = require('path');
const fs = require('fs');
const [modules, host, port, database, user, file] = process.argv.slice(2);
const load = (name) => require(path.join(modules, name));
const { createPostGraphileSchema, withPostGraphileContext } = load('postgraphile');
const { graphql } = load('graphql');
const { Pool } = load('pg');
const expected = JSON.parse(fs.readFileSync(file, 'utf8'));
const pool = new Pool({ host, port: Number(port), database, user });
const camel = (name) => name.replace(/_+([a-z0-9])/g, (_, c) => c.toUpperCase());
const upper = (name) => { const c = camel(name); return c[0].toUpperCase() + c.slice(1); };
// as its inflector does
const plural = (name) => load('pluralize')(name);
const singular = (name) => load('pluralize').singular(name);

(async () => {
  const schema = await createPostGraphileSchema(pool, ['ingest_api'], { disableDefaultMutations: true, legacyRelations: 'omit', includeExtensionResources: true });
  const query = schema.getQueryType().getFields();
  const wrong = [];
  const ask = async (source) => {
    const result = await withPostGraphileContext({ pgPool: pool }, (context) => graphql(schema, source, null, context));
    if (result.errors) throw new Error(result.errors.map((e) => e.message).join('; ') + ' in ' + source);
    return result.data;
  };
  for (const r of expected) {
    const type = schema.getType(upper(singular(r.name)));
    if (!type) { wrong.push(`${r.name} is not there`); continue; }
    const fields = type.getFields();
    if (r.keyed && !fields.nodeId) wrong.push(`${r.name} has no key`);
    if (/@/.test(type.description || '') || !type.description) wrong.push(`${r.name} says of itself: ${type.description}`);
    for (const c of r.columns) if (!fields[camel(c.name)] || fields[camel(c.name)].description !== c.comment) wrong.push(`${r.name}.${c.name}: ${fields[camel(c.name)] && fields[camel(c.name)].description}`);
    for (const l of r.links) {
      const to = upper(singular(l.other));
      if (!Object.values(fields).some((f) => String(f.type).replace('!', '') === to)) wrong.push(`${r.name} does not lead to ${l.other}`);
      const back = Object.values(schema.getType(to).getFields()).some((f) => String(f.type).startsWith(upper(plural(singular(r.name))) + 'Connection'));
      if (!back) wrong.push(`${l.other} does not lead to ${r.name}`);
    }
    const all = 'all' + upper(plural(singular(r.name)));
    if (!query[all]) { wrong.push(`there is no ${all}`); continue; }
    const data = await ask(`{ ${all} { totalCount nodes { ${r.columns.filter((c) => !c.json).map((c) => camel(c.name)).join(' ')} } } }`);
    if (data[all].totalCount !== r.rows || data[all].nodes.length !== r.rows) wrong.push(`${r.name}: ${data[all].totalCount} rows, not ${r.rows}`);
  }
  // three deep, and by key
  const data = await ask('{ allSources { nodes { id name tablesBySourceId(first: 3) { nodes { name columnsByTableId { nodes { name tableByTableId { name } } } } } } } }');
  const source = data.allSources.nodes[0];
  if (!source || !source.tablesBySourceId.nodes.every((t) => t.columnsByTableId.nodes.length && t.columnsByTableId.nodes.every((c) => c.tableByTableId.name === t.name))) wrong.push('relations three deep');
  const one = await ask(`{ sourceById(id: ${source.id}) { name } }`).catch((e) => ({ error: e.message }));
  if (!one.sourceById || one.sourceById.name !== source.name) wrong.push('a row by its key: ' + JSON.stringify(one));
  await pool.end();
  console.log(wrong.length ? wrong.join('\n') : 'all is well');
  process.exit(wrong.length ? 1 : 0);
})().catch((e) => { console.error(e.stack); process.exit(1); });
