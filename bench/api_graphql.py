"""api_graphql: three questions by GraphQL through the gateway against PostGraphile for the same answers (api.py says how).
The list is 20 invoices with their customer; the levels are the second page of regions, by the cursor of the first, a page of each one's
active customers and of each one's open invoices, with whether there are more; lineage is the function that walks it recursively, on both
sides the same one: PostGraphile has it as the field trace."""

import json

from api import compare, start


def post(query, **variables):
    return "POST", "/graphql", json.dumps({"query": query, "variables": variables})


LIST = (post("query ($first: Int!) { invoices(orderBy: [id_DESC], first: $first) { nodes { id amount dated customer { id name } } } }", first=20),
        post("query ($first: Int!) { allInvoices(orderBy: [ID_DESC], first: $first) { nodes { id amount dated customerByCustomerId { id name } } } }", first=20))
PAGES = ("{ regions(orderBy: [id_ASC], first: 5) { pageInfo { endCursor } } }", "{ allRegions(orderBy: [ID_ASC], first: 5) { pageInfo { endCursor } } }")
OURS = """query ($after: String!, $state: String!) { regions(orderBy: [id_ASC], first: 5, after: $after) { nodes { id name
    customers(filter: {active: {eq: true}}, orderBy: [id_ASC], first: 10) { nodes { id name
    invoices(filter: {state: {eq: $state}}, orderBy: [id_ASC], first: 5) { nodes { id amount state } pageInfo { hasNextPage } } } pageInfo { hasNextPage } } } } }"""
ITS = """query ($after: Cursor!, $state: String!) { allRegions(orderBy: [ID_ASC], first: 5, after: $after) { nodes { id name
    customersByRegionId(condition: {active: true}, orderBy: [ID_ASC], first: 10) { nodes { id name
    invoicesByCustomerId(condition: {state: $state}, orderBy: [ID_ASC], first: 5) { nodes { id amount state } pageInfo { hasNextPage } } } pageInfo { hasNextPage } } } } }"""
LINEAGE = (post('query ($of: String!) { lineage(object: $of, direction: "upstream", depth: 10) { distance from_object to_object kind } }', of="shop.report"),
           post('query ($of: String!) { trace(object: $of, direction: "upstream", depth: 10) { nodes { distance fromObject toObject kind } } }', of="shop.report"))


def cursor(side, query):
    page, = json.loads(side.ask(post(query)))["data"].values()
    return page["pageInfo"]["endCursor"]


def main():
    cluster, ours, peer = start("api_graphql")
    levels = tuple(post(query, after=cursor(side, page), state="open") for side, page, query in zip((ours, peer), PAGES, (OURS, ITS)))
    compare(cluster, ours, peer, {"list": LIST, "levels": levels, "lineage": LINEAGE}, post("{ slow { nodes { slept } } }"))


if __name__ == "__main__":
    main()
