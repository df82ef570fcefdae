/** A small line chart: one picture, its figures in words for who does not see it. Colours are the page's own, light or dark. */

export interface Line {
  readonly name: string;
  /** Oldest first; null where there is none. */
  readonly values: readonly (number | null)[];
}

export interface ChartProps {
  readonly title: string;
  /** Behind each figure, such as ` ms`. */
  readonly unit?: string;
  /** At most three. */
  readonly lines: readonly Line[];
  /** From the first value to the last, such as `two minutes`. */
  readonly span: string;
}

const WIDTH = 600;
const HEIGHT = 120;

export function Chart({ title, unit = '', lines, span }: ChartProps) {
  const most = niceMost(Math.max(0, ...lines.flatMap(({ values }) => values.map((value) => value ?? 0))));
  const said = lines.map(({ name, values }) => `${name} ${shown(values.at(-1) ?? null)}${unit}`).join(', ');
  return (
    <figure class="chart">
      <figcaption>
        {title}
        {lines.map(({ name, values }, at) => (
          <span key={name} class={`line-${at}`}>
            {name} <strong>{shown(values.at(-1) ?? null)}</strong>
            {unit}
          </span>
        ))}
      </figcaption>
      <div class="plot">
        <span class="most quiet" aria-hidden="true">
          {shown(most)}
          {unit}
        </span>
        <svg
          role="img"
          aria-label={`${title} over ${span}: now ${said}; at most ${shown(most)}${unit}`}
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
        >
          {[0.5, 1].map((share) => (
            <line key={share} class="grid" x1="0" x2={WIDTH} y1={HEIGHT * (1 - share)} y2={HEIGHT * (1 - share)} />
          ))}
          {lines.map(({ name, values }, at) => (
            <path key={name} class={`line-${at}`} d={pathOf(values, most)} vector-effect="non-scaling-stroke" />
          ))}
        </svg>
        <span class="span quiet" aria-hidden="true">
          <span>{span} ago</span>
          <span>now</span>
        </span>
      </div>
    </figure>
  );
}

/** A gap where there is no value. */
function pathOf(values: readonly (number | null)[], most: number): string {
  const step = WIDTH / Math.max(1, values.length - 1);
  let isOpen = false;
  let path = '';
  for (const [at, value] of values.entries()) {
    if (value !== null) {
      const y = HEIGHT * (1 - value / most);
      path += `${isOpen ? 'L' : 'M'}${(at * step).toFixed(1)} ${y.toFixed(1)}`;
    }
    isOpen = value !== null;
  }
  return path;
}

/** 1, 2 or 5 times a power of ten, and not below. */
function niceMost(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= value) ?? 10 * power;
}

function shown(value: number | null): string {
  if (value === null) return '–';
  return value.toLocaleString(undefined, { maximumSignificantDigits: 3 });
}
