import { histories } from './history/suite.ts'

histories(0)
