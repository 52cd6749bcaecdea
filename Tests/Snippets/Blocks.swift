import Analyses
import ResultFigures
import Results
import Testing

extension Snippets {
  func blocks(_ compared: String, to folder: String) throws -> BlockFindings {
    // Snippet begins.
    let input = try BlocksInput([compared])
    let findings = try BlockFindings(input, by: BlockDetector(minimumContrast: 0.1, seed: 1))
    for block in findings.structures[0].blocks {
      print(block.layers, block.meanInside, block.contrast, block.p ?? .nan)
    }

    let result = BlocksResult(BlocksDocument(findings), findings)
    try result.write(result.dataFiles(findings), to: folder)
    // Snippet ends.
    return findings
  }

  @Test func blocksAreThoseOfTheMap() throws {
    let (compared, folder) = ("\(files.path)/within", "\(files.path)/blocks")
    try compareWithItself(blocky, to: compared)
    let findings = try blocks(compared, to: folder)
    let map = try CompareResult(in: compared).cka
    let structure = try BlockDetector(minimumContrast: 0.1, seed: 1).structure(of: map)
    #expect(findings.structures == [structure])
    #expect(structure.blocks.map(\.layers) == [4..<9])
    let written = try BlocksResult(in: folder)
    #expect(written.map == map)
    #expect(written.document.models[0].blocks.map(\.layers) == [4..<9])
  }
}
