"""How the page looks: light, readable, with the fonts that the reader's machine has, and fit for printing."""

STYLE = """
:root { color-scheme: light; --line: #e3e3e3; --soft: #666; --mark: #fff6d6; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: #1c1c1c; font: 15px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; margin: 0 0 1rem; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; }
dl { font-size: .95rem; display: flex; flex-wrap: wrap; gap: .4rem 2rem; margin: 0; }
dt { color: var(--soft); font-size: .8rem; }
dd { margin: 0; overflow-wrap: anywhere; }
p { max-width: 52rem; }
.choice { max-width: none; padding: .7rem 1rem; background: var(--mark); border-left: 4px solid #d9a400; }
.chart svg { width: 100%; height: auto; }
figure { margin: 0; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; }
table { font-size: .9rem; border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .55rem; text-align: left; white-space: nowrap; border-bottom: 1px solid var(--line); }
tbody tr:last-child > * { border-bottom: 0; }
thead th { font-size: .8rem; color: var(--soft); background: #fafafa; }
tbody th { font-weight: 600; position: sticky; left: 0; background: #fff; }
.number { text-align: right; }
.kind { color: var(--soft); }
.words { white-space: normal; min-width: 9rem; }
tr.chosen > * { background: var(--mark); }
.sheets { display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: 1rem; }
.sheets img { width: 100%; height: auto; border: 1px solid var(--line); }
figcaption { color: var(--soft); font-size: .85rem; }
summary { cursor: pointer; }
li { overflow-wrap: anywhere; }
footer { color: var(--soft); font-size: .9rem; }
footer h2 { color: #1c1c1c; }
@media print { main { max-width: none; padding: 0; } section { break-inside: avoid; } }
"""
