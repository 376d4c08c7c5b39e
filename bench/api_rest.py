"""api_rest: three questions by REST through the gateway against PostGraphile's GraphQL for the same answers (api.py says how).
The list is 20 invoices with their customer; the levels are regions, a page of each one's active customers and of each one's open invoices;
lineage is the function that walks it recursively, on both sides the same one: PostGraphile has it as the field trace."""

import json

from api import compare, start


def get(path):
    return "GET", path, None


def post(query):
    return "POST", "/graphql", json.dumps({"query": query})


QUERIES = {
    "list": (get("/v1/invoices?select=id,amount,dated,customer:customers(id,name)&order=id.desc&limit=20"),
             post("{ allInvoices(orderBy: [ID_DESC], first: 20) { nodes { id amount dated customerByCustomerId { id name } } } }")),
    "levels": (get("/v1/regions?select=id,name,customers(id,name,invoices(id,amount,state))&order=id&limit=5&offset=5"
                   "&customers.active=is.true&customers.order=id&customers.limit=10&customers.offset=10"
                   "&customers.invoices.state=eq.open&customers.invoices.order=id&customers.invoices.limit=5"),
               post("""{ allRegions(orderBy: [ID_ASC], first: 5, offset: 5) { nodes { id name
                   customersByRegionId(condition: {active: true}, orderBy: [ID_ASC], first: 10, offset: 10) { nodes { id name
                   invoicesByCustomerId(condition: {state: "open"}, orderBy: [ID_ASC], first: 5) { nodes { id amount state } } } } } } }""")),
    "lineage": (get("/v1/lineage?object=shop.report&direction=upstream&depth=10"),
                post('{ trace(object: "shop.report", direction: "upstream", depth: 10) { nodes { distance fromObject toObject kind } } }')),
}

if __name__ == "__main__":
    compare(*start("api_rest"), QUERIES, get("/v1/slow?select=slept"))
