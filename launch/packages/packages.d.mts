// The types of packages.mjs.
export declare function isInstalled(folder: string): boolean;
export declare function npmCommand(...args: string[]): [program: string, args: string[]];
export declare function npmCi(): [program: string, args: string[]];
