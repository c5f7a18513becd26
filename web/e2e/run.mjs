// Drives a running server with a real browser, story by story:
// `node e2e/run.mjs --base-url URL --setup-link LINK [--shots DIR] [--stories arrive,listen]`.
// The server is fresh and has the demo show rendered. Exits with 1 when a check fails.

import { end, json, wanted } from './harness.mjs';
import arrive from './stories/arrive.mjs';
import library from './stories/library.mjs';
import listen from './stories/listen.mjs';
import people from './stories/people.mjs';
import places from './stories/places.mjs';
import together from './stories/together.mjs';
import watch from './stories/watch.mjs';
import write from './stories/write.mjs';

const demo = (await json('/v1/scripts')).items.find((script) => script.rendering_id);
const rendering = demo && (await json(`/v1/renderings/${demo.rendering_id}`));

const stories = { arrive, library, listen, together, watch, write, people, places };
for (const [name, tell] of Object.entries(stories)) if (wanted?.includes(name) ?? true) await tell({ demo, rendering });
await end();
