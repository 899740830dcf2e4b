import { readdirSync, readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Plugin } from 'rolldown'

type Manifest = Readonly<{ name?: string; version?: string; license?: string }>

/** Writes `third-party-licenses.txt`: of each package whose code is in the bundle, its name, version, license and the license's text. */
export function thirdPartyLicenses(): Plugin {
  return {
    name: 'third-party-licenses',
    generateBundle(_options, bundle) {
      const modules = Object.values(bundle).flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []))
      const manifests = modules
        .filter((id) => id.includes('/node_modules/'))
        .map((id) => packageOf(id))
        .filter((found) => found !== null)
      const texts = [...new Set(manifests)].map(licenseOf).toSorted()
      this.emitFile({ type: 'asset', fileName: 'third-party-licenses.txt', source: texts.join(`\n\n${'-'.repeat(80)}\n\n`) })
    },
  }
}

/** The manifest that names the package: some packages have others in their folders, for the kind of their modules. */
function packageOf(id: string): string | null {
  let found = findPackageJSON(pathToFileURL(id))
  while (found !== undefined && (JSON.parse(readFileSync(found, 'utf8')) as Manifest).version === undefined) {
    found = findPackageJSON('..', pathToFileURL(found))
  }
  return found ?? null
}

function licenseOf(manifest: string): string {
  const { name, version, license } = JSON.parse(readFileSync(manifest, 'utf8')) as Manifest
  const directory = dirname(manifest)
  const file = readdirSync(directory).find((one) => /^licen[cs]e/i.test(one))
  const text = file === undefined ? '' : `\n\n${readFileSync(join(directory, file), 'utf8').trim()}`
  return `${name} ${version} (${license ?? 'license not stated'})${text}`
}
