/** The plugin's id, which is also the first part of every path and extension id it owns. */
export const PLUGIN_ID = 'cloudlysis-control-app';
