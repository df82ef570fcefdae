/** The bench's upstream over stdio. `node echo-stdio.ts [TOOLS]`; ends with its stdin. */
import { createAnswerTo } from './echo-answer.ts';

const answerTo = createAnswerTo(Number(process.argv[2] ?? 1));
let rest = '';

process.stdin.setEncoding('utf8');
process.stdin.on('data', (piece: string) => {
  const lines = (rest + piece).split('\n');
  rest = lines.pop()!;
  let answers = '';
  for (const line of lines) {
    const answer = line === '' ? undefined : answerTo(line);
    if (answer !== undefined) answers += `${answer}\n`;
  }
  if (answers !== '') process.stdout.write(answers);
});
process.stdin.on('end', () => process.exit(0));
