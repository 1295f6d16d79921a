// SPDX-License-Identifier: MIT
// The look of the report: one style sheet for screen, phone, print, light and dark.
#pragma once

namespace report {

/// Colours: ink, two greys, one hue a run. Sizes: 1.75, 1.25, 1, 0.875 and 0.8125 rem.
inline constexpr const char* style_sheet = R"css(
:root {
  color-scheme: light dark;
  --page: #ffffff; --ink: #1c2024; --quiet: #5d656e; --rule: #dfe3e7; --shade: #f5f6f8;
  --c1: #2563ad; --c2: #b8591f; --c3: #3d7a4c; --c4: #7a4f9c;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --ink: #e4e7ea; --quiet: #99a2ab; --rule: #30363c; --shade: #1c2024;
    --c1: #74a9e8; --c2: #e39a66; --c3: #7fbf8d; --c4: #bd98dc;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 2rem 1.25rem 3rem; max-width: 62rem;
  background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans",
    Arial, sans-serif;
  overflow-wrap: break-word;
}
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .25rem; letter-spacing: -.01em; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 3rem 0 .75rem; padding-top: .75rem;
  border-top: 1px solid var(--rule); }
h3 { font-size: 1rem; margin: 1.75rem 0 .5rem; }
h4 { font-size: .875rem; margin: 0 0 .25rem; }
summary h3 { display: inline; }

p { margin: 0 0 1rem; max-width: 44rem; }
.note, figcaption, caption, summary, .legend { font-size: .875rem; color: var(--quiet); }
figcaption b, summary { color: var(--ink); }
nav { font-size: .875rem; margin: 1rem 0 0; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; margin: 0;
  padding: 0; }
a { color: var(--c1); text-underline-offset: .15em; }
a:focus-visible, summary:focus-visible, .scroll:focus-visible { outline: 2px solid var(--c1);
  outline-offset: 2px; }

.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 1px;
  margin: 0 0 1rem; background: var(--rule); border: 1px solid var(--rule); }
.tile { background: var(--page); padding: .875rem 1rem; }
.tile dt { font-size: .875rem; color: var(--quiet); }
.tile dd { margin: 0; font-variant-numeric: tabular-nums; }
.tile .figure { font-size: 1.75rem; font-weight: 600; line-height: 1.3; letter-spacing: -.01em; }
.tile.gain { background: var(--shade); }
.tile .under { font-size: .8125rem; color: var(--quiet); }

figure { margin: 0 0 1rem; }
figcaption { margin: 0 0 .375rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr));
  gap: 1rem 2rem; align-items: start; }
.charts svg { display: block; width: 100%; height: auto; }
svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial,
  sans-serif; fill: var(--quiet); font-variant-numeric: tabular-nums; }
svg .x { text-anchor: middle; }
svg .y, svg .left { text-anchor: end; }
svg .value { fill: var(--ink); font-size: 10px; }
svg text.mark { font-size: 11px; }
.grid { stroke: var(--rule); }
.axis { stroke: var(--quiet); }
line.mark { stroke: var(--quiet); stroke-dasharray: 2 3; }
.series { fill: none; stroke-width: 1.75; stroke-linejoin: round; }
.quiet { stroke: var(--quiet); } circle.quiet { fill: var(--quiet); }
.c1 { stroke: var(--c1); } rect.c1, circle.c1 { fill: var(--c1); }
.c2 { stroke: var(--c2); } rect.c2, circle.c2 { fill: var(--c2); }
.c3 { stroke: var(--c3); } rect.c3, circle.c3 { fill: var(--c3); }
.c4 { stroke: var(--c4); } rect.c4, circle.c4 { fill: var(--c4); }
.series.c2 { stroke-dasharray: 6 3; }
.series.quiet { stroke-dasharray: 2 2.5; }
.dotted.series { stroke-dasharray: 1.5 3; }
circle, .bar { stroke: none; }
.legend { display: flex; flex-wrap: wrap; gap: .125rem 1.25rem; list-style: none;
  margin: .25rem 0 .5rem; padding: 0; }
.legend b { color: var(--ink); font-variant-numeric: tabular-nums; }
.legend .swatch { display: inline-block; width: 22px; height: 8px; margin-right: .5rem; }

.scroll { overflow-x: auto; margin: 0 0 1rem; }
table { border-collapse: collapse; font-size: .875rem; line-height: 1.35;
  font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: 0 0 .375rem; white-space: nowrap; }
th, td { padding: .25rem .625rem; text-align: right; vertical-align: baseline; }
thead th { font-weight: 600; white-space: nowrap; border-bottom: 1px solid var(--quiet);
  vertical-align: bottom; }
thead .foreign { white-space: normal; }
thead .group { text-align: left; font-weight: 400; color: var(--quiet); border-bottom: 0; }
tbody tr + tr > * { border-top: 1px solid var(--rule); }
tfoot tr:first-child > * { border-top: 1px solid var(--quiet); }
tfoot td, tfoot th { font-weight: 600; }
.words { text-align: left; overflow-wrap: anywhere; min-width: 6rem; }
.foreign, tfoot .foreign { color: var(--quiet); font-weight: 400; }
.edge { border-left: 1px solid var(--rule); }
.strong { font-weight: 600; }
tbody th { font-weight: 400; }
th[scope="row"], thead tr:first-child > th:first-child { text-align: left; padding-left: 0;
  position: sticky; left: 0; background: var(--page); }
details { margin: 0 0 .5rem; }
summary { cursor: pointer; margin-bottom: .5rem; }

img { max-width: 100%; height: auto; display: block; background: var(--shade); }
.example { border-top: 1px solid var(--rule); padding: .75rem 0 .5rem; break-inside: avoid; }
.kind { font-size: .8125rem; color: var(--quiet); margin: 0 0 .25rem; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 18rem), 1fr));
  gap: .5rem .75rem; margin-bottom: .75rem; }
.pictures figure { margin: 0; }
.pictures img { width: 100%; aspect-ratio: 8 / 3; object-fit: contain;
  object-position: left; background: none; }
.pictures figcaption { margin: .25rem 0 0; font-size: .8125rem; line-height: 1.35;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.sheet { margin: 0 0 1.5rem; }
.patches { display: grid; grid-template-columns: 8.5rem 1fr; gap: 0 1rem; align-items: center;
  padding: .25rem 0; border-top: 1px solid var(--rule); break-inside: avoid; font-size: .875rem; }
.patches dt span { display: block; font-size: .8125rem; color: var(--quiet);
  font-variant-numeric: tabular-nums; }
.patches dd { margin: 0; display: grid; gap: 2px; max-width: 36rem;
  grid-template-columns: repeat(8, 1fr); }
.patches img { width: 100%; }
@media (max-width: 34rem) {
  .patches { grid-template-columns: 1fr; }
  .patches dt { display: flex; gap: .75rem; align-items: baseline; }
  svg text, svg text.mark { font-size: 14px; }
  svg .value { font-size: 11px; }
}
footer { margin-top: 3rem; padding-top: .75rem; border-top: 1px solid var(--rule);
  font-size: .8125rem; color: var(--quiet); }
footer code { font-size: .75rem; overflow-wrap: anywhere; }

@page { margin: 14mm; }
@media print {
  :root { color-scheme: light; }  html { font-size: 9.5pt; }
  body { max-width: none; padding: 0; }
  .charts { grid-template-columns: 1fr 1fr; }
  .pictures { grid-template-columns: repeat(3, 1fr); }
  nav, details { display: none; }  h2 { break-after: avoid; margin-top: 1.5rem; }
  h3, h4, .kind, caption { break-after: avoid; }
  figure, tr { break-inside: avoid; }
  .scroll { overflow: visible; }
  table { font-size: 7.5pt; }
  th, td { padding: .15rem .35rem; }
  tfoot { display: table-row-group; }
}
)css";

}  // namespace report
