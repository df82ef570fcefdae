/** The tools that the bench's upstreams list: `echo`, and others of an ordinary size so that a list has weight. */

const ECHO = {
  name: 'echo',
  description: 'Sends the text back',
  inputSchema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
  annotations: { readOnlyHint: true },
};

/** `echo` and `count - 1` others, about 600 bytes of JSON each. */
export function echoTools(count: number): unknown[] {
  return [ECHO, ...Array.from({ length: count - 1 }, (_, i) => ordinaryTool(i + 1))];
}

function ordinaryTool(number: number): unknown {
  return {
    name: `measure_${String(number).padStart(4, '0')}`,
    title: `Measure ${number}`,
    description: `Reads measure ${number} of a device and returns its latest values with their times. Choose it when the question is about this measure alone; for several at once there is an overview.`,
    inputSchema: {
      type: 'object',
      properties: {
        device: { type: 'string', description: 'Which device, by its id', maxLength: 64 },
        since: { type: 'string', format: 'date-time', description: 'Only values later than this' },
        most: { type: 'integer', minimum: 1, maximum: 500, description: 'At most so many values' },
      },
      required: ['device'],
    },
    annotations: { readOnlyHint: true, openWorldHint: false },
  };
}
