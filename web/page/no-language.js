// The build substitutes this for @codemirror/language and @lezer/common: the page's text is
// not in a programming language, and the parsers would be an eighth of its script. Of what
// @codemirror/commands imports from there, keys.js needs only the first; the others throw.

/** The columns of one indentation step, which Backspace deletes at once. */
export const getIndentUnit = () => 2;

const missing = () => { throw new Error('this text is in no language'); };

export {
  missing as IndentContext, missing as NodeProp, missing as getIndentation, missing as indentString, missing as indentUnit,
  missing as matchBrackets, missing as syntaxTree,
};
