import { expect, it } from 'vitest';
import { parsePrometheus } from '../../../../servers/monitoring/prometheus-text.ts';

it('[O1] reads values, labels and what is escaped in them', () => {
  const text = '# HELP a b\n# TYPE a counter\na 1\nb{x="1",y="a\\"b\\\\c\\nd"} 2.5e3\nc{le="+Inf"} +Inf 123\n';
  expect(parsePrometheus(text)).toEqual([
    { name: 'a', labels: {}, value: 1 },
    { name: 'b', labels: { x: '1', y: 'a"b\\c\nd' }, value: 2_500 },
    { name: 'c', labels: { le: '+Inf' }, value: Number.POSITIVE_INFINITY },
  ]);
});

it.each(['a', 'a b', '{x="1"} 2', 'a{x=1} 2', 'a{x="1" 2', 'a 1 2 3'])(
  '[O1] refuses the line %j with its number',
  (line) => {
    expect(() => parsePrometheus(`ok 1\n${line}\n`)).toThrow('Line 2 of the metrics is no Prometheus text');
  },
);

it('[O1] refuses 100,000 series, and a text without end', () => {
  const many = Array.from({ length: 100_000 }, (_, n) => `a{n="${n}"} 1`).join('\n');
  expect(() => parsePrometheus(many)).toThrow('at most 50000 are read');
  expect(() => parsePrometheus('x'.repeat(9e6))).toThrow('at most 8388608 are read');
});
