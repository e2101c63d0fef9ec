// @ts-check
// Timers of the core for Node.js, put in its place by tools/build.mjs: they hold no process back that has nothing else
// to do; an upload under way does, see js/node.js.
const { setTimeout: ofNode } = globalThis

/** @param {() => void} call @param {number} [wait] milliseconds */
export const setTimeout = (call, wait) => ofNode(call, wait).unref()
