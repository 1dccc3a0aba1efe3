/** The style of the demo page. Colours come from the palette only. */
export const demoStyle = `
.top { display: flex; flex-wrap: wrap; justify-content: space-between; gap: .25rem 1.5rem; align-items: baseline;
  padding: .9rem clamp(1rem, 4vw, 2rem); background: var(--card); border-bottom: 1px solid var(--line); }
.top strong { font-size: 1.125rem; overflow-wrap: anywhere; }
.top nav { display: flex; gap: 1.25rem; }
main { max-width: 76rem; margin: 0 auto; padding: clamp(1.5rem, 4vw, 2.75rem) clamp(1rem, 4vw, 2rem) 4rem; }
.lead { max-width: 44rem; margin-bottom: 1.75rem; display: grid; gap: .5rem; }
.lead p { color: var(--muted); }
h1 { font-size: clamp(1.5rem, 4vw, 1.875rem); line-height: 1.2; letter-spacing: -.015em; }
h2 { display: flex; align-items: center; gap: .6rem; font-size: 1.125rem; line-height: 1.3; }
h2:focus { outline: none; }
h3 { margin: 0; font-size: .875rem; color: var(--muted); font-weight: 600; }
.number { flex: none; display: inline-grid; place-items: center; width: 1.75rem; height: 1.75rem; border-radius: 50%;
  background: var(--inset); color: var(--link); font-size: .9375rem; font-weight: 700; }
.columns { display: grid; gap: 1.25rem; align-items: start; }
.steps { display: grid; gap: 1.25rem; min-width: 0; }
@media (min-width: 60rem) {
  .columns { grid-template-columns: minmax(0, 1fr) minmax(0, 27rem); }
  .calls-card { position: sticky; top: 1.25rem; max-height: calc(100vh - 2.5rem); }
}
.card { min-width: 0; display: flex; flex-direction: column; gap: 1rem; padding: clamp(1.1rem, 4vw, 1.6rem);
  background: var(--card); border: 1px solid var(--line); border-radius: .875rem; }
.stack { display: grid; gap: 1rem; }
.idle, .hint { color: var(--muted); }
.hint { font-weight: 400; }
.spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.banner { margin-bottom: 1.25rem; padding: .75rem 1rem; border: 1px solid var(--bad); border-radius: .5rem; color: var(--bad); background: var(--card); }

form { display: grid; gap: 1rem; }
@media (min-width: 30rem) { form { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
.wide { grid-column: 1 / -1; }
.field { display: grid; gap: .3rem; min-width: 0; }
label { font-weight: 600; font-size: .9375rem; }
input, select { width: 100%; min-height: 2.75rem; padding: .5rem .75rem; border: 1px solid var(--edge); border-radius: .5rem;
  background: var(--card); color: var(--text); font: inherit; }
::placeholder { color: var(--muted); opacity: 1; }
[aria-invalid="true"] { border: 2px solid var(--bad); }
.button.plain { background: transparent; border-color: var(--edge); color: var(--link); }
.button.plain:hover { background: var(--inset); filter: none; }
.button.small { min-height: 2.25rem; padding: .3rem .85rem; font-size: .9375rem; }
.button[aria-disabled="true"] { color: var(--muted); cursor: not-allowed; border-style: dashed; }
.button[aria-busy="true"] { cursor: progress; opacity: .7; }
.registered { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: .75rem; }
.address { font-weight: 600; overflow-wrap: anywhere; }
.actions { display: flex; flex-wrap: wrap; align-items: center; gap: .75rem; }
.message:empty { display: none; }
.message { color: var(--bad); overflow-wrap: anywhere; }
.message[data-kind="good"] { color: var(--good); }
.wait { display: grid; gap: .4rem; color: var(--muted); font-variant-numeric: tabular-nums; }
progress { width: 100%; height: .5rem; border: 0; border-radius: 1rem; overflow: hidden; background: var(--inset);
  color: var(--link); appearance: none; }
progress::-webkit-progress-bar { background: var(--inset); }
progress::-webkit-progress-value { background: var(--link); }
progress::-moz-progress-bar { background: var(--link); }

ol { margin: 0; padding: 0; list-style: none; }
.track li { position: relative; padding: 0 0 1.1rem 2.1rem; line-height: 1.4; color: var(--muted); }
.track li:last-child { padding-bottom: 0; }
.track strong { display: block; font-weight: 600; }
.track small { font-size: .875rem; color: var(--muted); }
.track li::before { content: ""; position: absolute; left: 0; top: .05rem; display: grid; place-items: center; width: 1.3rem; height: 1.3rem;
  border: 2px solid var(--edge); border-radius: 50%; background: var(--card); font-size: .8rem; font-weight: 700; line-height: 1; }
.track li:not(:last-child)::after { content: ""; position: absolute; left: calc(.65rem - 1px); top: 1.5rem; bottom: .1rem; width: 2px; background: var(--line); }
.track [data-state="done"], .track [data-state="current"], .track [data-state="failed"] { color: var(--text); }
.track [data-state="done"]::before { content: "✓"; border-color: var(--good); background: var(--good); color: var(--card); }
.track [data-state="failed"]::before { content: "!"; border-color: var(--bad); background: var(--bad); color: var(--card); }
.track [data-state="current"]::before { content: "•"; border-color: var(--link); color: var(--link); }
.raw { margin: 0; display: grid; gap: .35rem; padding: .75rem 1rem; border-radius: .5rem; background: var(--inset); font-size: .875rem; }
.raw div { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; }
.raw dt { color: var(--muted); }
.raw dd { margin: 0; font-weight: 600; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .8125rem; }
.events { display: grid; gap: .35rem; max-height: 12rem; overflow: auto; font-size: .875rem; }
.events li { display: flex; gap: .9rem; }
.events time { flex: none; color: var(--muted); font-variant-numeric: tabular-nums; }
.events code { overflow-wrap: anywhere; }

.calls { min-height: 0; overflow: auto; display: grid; gap: .25rem; align-content: start; margin: 0 -.4rem; padding: .25rem .4rem; }
.call { width: 100%; display: grid; grid-template-columns: 2.6rem minmax(0, 1fr) auto; gap: 0 .5rem; align-items: baseline; padding: .4rem .6rem;
  border: 1px solid transparent; border-radius: .5rem; background: transparent; color: var(--text); font: inherit; font-size: .8125rem; text-align: start; cursor: pointer; }
.call:hover { background: var(--inset); }
.call[aria-pressed="true"] { background: var(--inset); border-color: var(--edge); }
.method { color: var(--muted); font-weight: 700; font-size: .75rem; }
.path { overflow-wrap: anywhere; }
.result { font-weight: 700; color: var(--bad); font-variant-numeric: tabular-nums; }
.result[data-kind="good"] { color: var(--good); }
.times { grid-column: 2 / -1; color: var(--muted); font-size: .75rem; font-variant-numeric: tabular-nums; }
.curl { display: grid; gap: .6rem; }
pre { margin: 0; padding: .75rem 1rem; max-height: 12rem; overflow: auto; border-radius: .5rem; background: var(--inset); white-space: pre-wrap; overflow-wrap: anywhere; }
pre:empty { display: none; }
.curl-actions { display: flex; flex-wrap: wrap; align-items: center; gap: .75rem; font-size: .875rem; }
@media (prefers-reduced-motion: no-preference) { .button, .call { transition: background-color .12s, filter .12s; } }
`;
