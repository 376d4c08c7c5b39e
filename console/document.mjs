// Of the API's document what types are made of, in an order that differs only where the API does
const all = JSON.parse(await new Response(process.stdin).text());
const sorted = (v, key) => {
  if (Array.isArray(v)) return v.map((x) => sorted(x));
  if (v === null || typeof v !== 'object') return v;
  const words = key === 'properties' ? [] : ['description', 'summary', 'tags', 'example'];
  return Object.fromEntries(
    Object.keys(v)
      .filter((k) => !words.includes(k))
      .sort()
      .map((k) => [k, sorted(v[k], k)]),
  );
};
// the console asks functions at addresses of their own
for (const path of Object.keys(all.paths)) if (path.startsWith('/v1/rpc/')) delete all.paths[path];
for (const path of Object.values(all.paths))
  for (const operation of Object.values(path)) {
    if (/^(list|get)_/.test(operation.operationId ?? '')) delete operation.parameters;
    for (const status of Object.keys(operation.responses ?? {})) if (Number(status) >= 400) delete operation.responses[status];
  }
delete all.tags;
delete all.components.parameters;
delete all.components.headers;
for (const path of Object.values(all.paths))
  for (const operation of Object.values(path)) {
    operation.parameters = operation.parameters?.filter((p) => !p.$ref);
    for (const answer of Object.values(operation.responses ?? {})) delete answer.headers;
  }
delete all.components.responses;
process.stdout.write(JSON.stringify(sorted(all), null, 1) + '\n');
