// The places around accounts, loaded together when one of them is gone to.

export { default as Account } from './Account.svelte';
export { default as Admin } from './Admin.svelte';
export { default as Reset } from './Reset.svelte';
export { default as SignIn } from './SignIn.svelte';
export { default as SignUp } from './SignUp.svelte';
