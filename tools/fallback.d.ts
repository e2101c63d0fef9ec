// What tools/build.mjs makes of the wasm: the core in plain JavaScript.
export default function start(imports: any): any
