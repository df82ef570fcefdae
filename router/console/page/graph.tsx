/** The names around one name, as a picture. Everything in it stands in the table beside it too, which is for the keyboard and the ear. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Walk } from './knowledge.ts';

/** More names than that are only in the table. */
const MOST_NAMES = 25;
const LONGEST_LABEL = 18;
const HEIGHT = 380;

interface Place {
  readonly x: number;
  readonly y: number;
  readonly name: string;
  readonly distance: number;
}

export function Graph({ of: { entities, relations } }: { readonly of: Walk }) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(600);
  useEffect(() => {
    const { current } = box;
    if (current === null) return undefined;
    const observer = new ResizeObserver(() => setWidth(current.clientWidth));
    observer.observe(current);
    return () => observer.disconnect();
  }, []);
  const places = placesOf(entities.slice(0, MOST_NAMES), width);
  const byName = new Map(places.map((place) => [place.name, place]));
  const centre = places[0]?.name ?? '';
  return (
    <div ref={box} class="graph">
      <svg role="img" aria-label={`${places.length} names around ${centre}`} width={width} height={HEIGHT}>
        {relations.map(({ from, relation, to }) => {
          const [a, b] = [byName.get(from), byName.get(to)];
          return a && b ? <line key={`${from} ${relation} ${to}`} x1={a.x} y1={a.y} x2={b.x} y2={b.y} /> : null;
        })}
        {places.map(({ x, y, name, distance }) => (
          <g key={name} class={`away-${Math.min(distance, 2)}`}>
            <circle cx={x} cy={y} r={distance === 0 ? 9 : 6} />
            <text x={x} y={y - 12} text-anchor={x < 70 ? 'start' : x > width - 70 ? 'end' : 'middle'}>
              {name.length > LONGEST_LABEL ? `${name.slice(0, LONGEST_LABEL - 1)}…` : name}
            </text>
          </g>
        ))}
      </svg>
    </div>
  );
}

/** The first in the middle, the others on a ring for each distance. */
function placesOf(entities: Walk['entities'], width: number): Place[] {
  const placed: Place[] = [];
  const [cx, cy] = [width / 2, HEIGHT / 2];
  for (const distance of new Set(entities.map((entity) => entity.distance))) {
    const ring = entities.filter((entity) => entity.distance === distance);
    const share = distance === 0 ? 0 : distance === 1 ? 0.5 : 0.85;
    for (const [at, { name }] of ring.entries()) {
      const angle = (2 * Math.PI * (at + distance / 2)) / ring.length - Math.PI / 2;
      const x = cx + share * (cx - 24) * Math.cos(angle);
      const y = cy + share * (cy - 30) * Math.sin(angle);
      placed.push({ x: Math.round(x), y: Math.round(y), name, distance });
    }
  }
  return placed;
}
