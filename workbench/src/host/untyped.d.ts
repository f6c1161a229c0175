// Packages without types of their own, as far as the host uses them.
declare module 'react-router-dom' {
  export const Router: import('react').ComponentType<{ history: unknown; children?: import('react').ReactNode }>;
}
declare module 'systemjs/dist/system.js';
declare module 'systemjs/dist/extras/amd.js';
