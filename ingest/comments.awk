# In CREATE TABLE and CREATE VIEW of the scripts, "-- text" behind a column is that column's COMMENT, with lines of eight
# spaces and "-- text" that follow at once.
/^CREATE (UNLOGGED )?(TABLE|VIEW) / { what = $2 == "UNLOGGED" ? $3 : $2; name = $2 == "UNLOGGED" ? $4 : $3; sub(/\(.*/, "", name); inside = 1; n = 0 }
inside && goes_on && /^        -- / {
	text = $0; sub(/^ *-- /, "", text); gsub(/'/, "''", text)
	sub(/';$/, " ", said[n - 1]); said[n - 1] = said[n - 1] text "';"
	next
}
{ goes_on = 0 }
inside && (what == "TABLE" ? /^    [a-z_"]+ .* -- / : / AS ["a-z_]+,? -- /) {
	column = $1; text = $0
	if (what == "VIEW") { column = $0; sub(/,? -- .*/, "", column); sub(/.* AS /, "", column) }
	sub(/.* -- /, "", text); gsub(/'/, "''", text)
	said[n++] = "COMMENT ON COLUMN " name "." column " IS '" text "';"
	sub(/ -- .*/, "")
	goes_on = 1
}
{ print }
inside && /;$/ { inside = 0; for (i = 0; i < n; i++) print said[i] }
