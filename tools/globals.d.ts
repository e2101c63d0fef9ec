// What mini programs have in place of a page's globals, as far as the library uses it; their own typings would replace
// those of the DOM for all files.
declare const wx: any
declare const tt: any
declare const WXWebAssembly: { instantiate(path: string, imports: any): Promise<any> }
