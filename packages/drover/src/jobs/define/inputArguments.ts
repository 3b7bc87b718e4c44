/** The arguments after the definition: the input may be left out where the job takes none. */
export type InputArguments<Input, Options> = undefined extends Input
  ? [input?: Input, options?: Options]
  : [input: Input, options?: Options]
