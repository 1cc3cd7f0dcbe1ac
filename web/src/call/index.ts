// The call, as one piece of code that the pre-join page fetches ahead.
export { CallView } from "./call";
export { CallSession } from "./session";
