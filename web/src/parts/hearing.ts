// What surrounds a player, in one part that is loaded after it.
export { default as Extras } from './hearing/Extras.svelte';
export { default as Notices } from './hearing/Notices.svelte';
