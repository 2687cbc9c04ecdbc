// Messages in and out over the last minutes.
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import UPlot from 'uplot';

/** Between two samples of the server, s. */
const sampleSeconds = 5;

interface Props {
  readonly received: readonly number[];
  /** Absent: one line is drawn. */
  readonly sent?: readonly number[];
  /** Of the first line. */
  readonly label?: string;
}

export function Chart({ received, sent = [], label = 'in/s' }: Props): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot>(null);
  const length = Math.max(received.length, sent.length, 2);
  const now = Math.floor(Date.now() / 1000);
  const times = Array.from({ length }, (_, index) => now - (length - 1 - index) * sampleSeconds);
  const padded = (values: readonly number[]): (number | null)[] => [
    ...Array<null>(length - values.length).fill(null),
    ...values,
  ];
  const data = [times, padded(received), ...(label === 'in/s' ? [padded(sent)] : [])] as UPlot.AlignedData;
  useEffect(() => {
    const style = getComputedStyle(document.documentElement);
    const color = (name: string): string => style.getPropertyValue(name).trim();
    const axis = {
      stroke: color('--text'),
      grid: { stroke: color('--line'), width: 1 },
      ticks: { stroke: color('--line') },
    };
    const target = box.current!;
    const made = new UPlot(
      {
        width: target.clientWidth || 600,
        height: 180,
        legend: { show: true },
        cursor: { y: false },
        scales: { y: { range: (_plot, _least, most) => [0, Math.max(1, most * 1.1)] } },
        axes: [axis, axis],
        series: [
          {},
          { label, stroke: color('--accent'), width: 2 },
          ...(label === 'in/s' ? [{ label: 'out/s', stroke: color('--second'), width: 2 }] : []),
        ],
      },
      data,
      target,
    );
    plot.current = made;
    const resized = new ResizeObserver(() => made.setSize({ width: target.clientWidth, height: 180 }));
    resized.observe(target);
    return () => {
      resized.disconnect();
      made.destroy();
    };
  }, []);
  useEffect(() => plot.current?.setData(data), [now]);
  return (
    <div
      ref={box}
      class="chart"
      role="img"
      aria-label={
        label === 'in/s' ? 'Messages per second, in and out, over the last minutes' : `${label}, over the last minutes`
      }
    />
  );
}
