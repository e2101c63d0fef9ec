// What `wasm-bindgen --target bundler` generated, which only the build knows how to find.
export * from '../target/wasm-release/glue/vodupload.js'
/** Gives the glue the exports of the instance. */
export function __wbg_set_wasm(exports: WebAssembly.Exports): void
