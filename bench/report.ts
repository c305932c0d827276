import type { Sample } from './measure.ts'
import type { Subject, Work } from './subjects.ts'

/** One server under one work, with a sample for each round. */
export interface Measured {
  readonly subject: Subject
  readonly work: Work
  readonly samples: readonly Sample[]
}

/** The table of one work on one database, in Markdown: the median of each figure, and how often ours goes into another's requests. */
export function tableOf(title: string, rows: readonly Measured[]): string {
  const ours = (framework: string) =>
    rows.find(({ subject }) => subject.framework === framework && subject.sessions === 'coatcheck')
  return [
    `### ${title}`,
    '',
    '| server | requests/s | ours ÷ it | p50 ms | CPU µs: process | database | statements | log bytes |',
    '|---|---|---|---|---|---|---|---|',
    ...rows.map((row) => lineOf(row, ours(row.subject.framework))),
    '',
  ].join('\n')
}

function lineOf({ subject, samples }: Measured, ours: Measured | undefined): string {
  const middle = (key: keyof Sample) => median(samples.map((it) => it[key]))
  const perSecond = middle('perSecond')
  const ratio = ours === undefined ? Number.NaN : median(ours.samples.map((it) => it.perSecond)) / perSecond
  const cells = [
    `${subject.framework}, ${subject.sessions}`,
    perSecond.toFixed(0),
    ratio.toFixed(2),
    middle('medianMs').toFixed(2),
    middle('processUs').toFixed(0),
    middle('databaseUs').toFixed(0),
    middle('statements').toFixed(2),
    middle('logBytes').toFixed(0),
  ]
  return `| ${cells.join(' | ')} |`
}

function median(figures: readonly number[]): number {
  return [...figures].sort((a, b) => a - b)[figures.length >> 1] ?? Number.NaN
}
