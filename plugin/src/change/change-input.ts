/** What a change is asked with: path parameters and body in one flat object, as forms and addresses hold it. */
export type ChangeInput = Record<string, unknown>;
