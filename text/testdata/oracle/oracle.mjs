// Says what CodeMirror makes of change sets. Reads {cases: [{doc, a, b, c, positions}]}
// from stdin, where a and c are made for doc and b for what a makes, and writes for each
//   applied   doc after a
//   composed  a and then b
//   over      c mapped over a, and c mapped over a to stand before it
//   inverse   of a
//   mapped    where a takes the positions, with side -1 and with side 1
//   again     a, read and written
import { ChangeSet, Text } from '@codemirror/state';

let input = '';
process.stdin.setEncoding('utf8'); // or a chunk could end within a character
for await (const chunk of process.stdin) input += chunk;
const answers = JSON.parse(input).cases.map(({ doc, a, b, c, positions }) => {
  const text = Text.of(doc.split('\n'));
  const [setA, setB, setC] = [a, b, c].map((json) => ChangeSet.fromJSON(json));
  return {
    applied: setA.apply(text).toString(),
    composed: setA.compose(setB).toJSON(),
    over: [setC.map(setA).toJSON(), setC.map(setA, true).toJSON()],
    inverse: setA.invert(text).toJSON(),
    mapped: positions.map((pos) => [setA.mapPos(pos, -1), setA.mapPos(pos, 1)]),
    again: setA.toJSON(),
  };
});
process.stdout.write(JSON.stringify(answers));
