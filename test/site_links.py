#!/usr/bin/python3
"""Is each link of a static site good, and is nothing asked of anybody else?

test/site_links.py FOLDER: prints a line for each link, picture, script or style that is not there, for each place in a page
that is not there, and for whatever a page would load from another address; then how much it looked at.
"""
import html.parser
import os
import re
import sys
import urllib.parse

# what a browser loads by itself, as against what a reader may click
LOADS = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "src"), ("video", "src"),
         ("audio", "src"), ("object", "data"), ("embed", "src"), ("use", "href"), ("image", "href"), ("form", "action")}


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.loads, self.text = set(), [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id" or (tag == "a" and name == "name"):
                self.ids.add(value)
            elif (tag, name) in LOADS and value:
                rel = dict(attributes).get("rel", "")
                if tag == "link" and rel in ("canonical", "prev", "next", "author"):
                    continue
                self.loads.append(value)
            elif tag == "a" and name == "href" and value:
                self.links.append(value)
            elif name == "style":
                self.loads += re.findall(r"url\(['\"]?([^'\")]+)", value)
            elif name == "srcset":
                self.loads += [part.split()[0] for part in value.split(",")]


def main(folder):
    pages, faults, links, loads = {}, [], 0, 0
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)
            if name.endswith(".html"):
                with open(path, encoding="utf-8") as file:
                    pages[path] = Page(file.read())
            elif name.endswith((".css", ".svg")):
                with open(path, encoding="utf-8") as file:
                    for url in re.findall(r"(?:url\(|@import\s+)['\"]?([^'\")\s;]+)", file.read()):
                        loads += 1
                        if re.match(r"(https?:)?//", url):
                            faults.append(f"{os.path.relpath(path, folder)} loads {url}")
    for path, page in sorted(pages.items()):
        here = os.path.relpath(path, folder)
        for url in page.loads:
            loads += 1
            if re.match(r"([a-z]+:)?//", url):
                faults.append(f"{here} loads {url}")
        for url in page.links + page.loads:
            if re.match(r"([a-z]+:)?//|mailto:|data:|javascript:", url):
                continue
            links += 1
            to, _, place = url.partition("#")
            to = urllib.parse.unquote(to.split("?")[0])
            # the page of what is not found may stand anywhere: its links begin at the top
            target = os.path.normpath(os.path.join(folder if to.startswith("/") else os.path.dirname(path), to.lstrip("/"))) if to else path
            if os.path.isdir(target):
                target = os.path.join(target, "index.html")
            if not os.path.exists(target):
                faults.append(f"{here}: {url} is not there")
            elif place and target in pages and urllib.parse.unquote(place) not in pages[target].ids | {"__search"}:
                faults.append(f"{here}: {url} has no such place")
    print("\n".join(sorted(set(faults))))
    print(f"{len(pages)} pages, {links} links, {loads} things that are loaded")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
