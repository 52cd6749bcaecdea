import Analyses
import ArgumentParser
import CommandSupport
import ResultFigures
import Results
import Support

struct BlocksCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "blocks",
    abstract: "Finds block structure: consecutive layers that are alike, with edges at which "
      + "similarity drops.",
    discussion: """
      RESULT is the result folder of compare for one model, several of them, or the STORE of a \
      sweep. Prints a table and writes blocks.json, blocks.csv and a picture to the output folder. \
      For a sweep it also writes, for every pair of models, similarity at equal relative depth, \
      best-matching layers and mean similarity inside and outside blocks, and how often layers \
      match themselves across seeds.
      """)

  @Argument(help: "A result folder, several of them, or the store of a sweep.", completion: .file())
  var results: [String]

  @Option(
    help: ArgumentHelp(
      "Minimum number of layers in a block (default: a tenth of the layers and two).",
      valueName: "n"))
  var minSize: Int?

  @Option(
    help: ArgumentHelp(
      "Minimum contrast: by how much similarity drops at the edges of a block.", valueName: "c"))
  var minContrast = 0.1

  @Option(help: ArgumentHelp("Largest p-value of a block.", valueName: "p"))
  var significance = 0.05

  @Option(help: ArgumentHelp("Number of null maps for the p-value.", valueName: "n"))
  var permutations = 999

  @Option(help: "Random seed of the null maps.")
  var seed: UInt64 = 0

  @OptionGroup var output: OutputOptions<BlocksResult>

  func validate() throws {
    try checkRange("--min-size", minSize, 3...)
    guard minContrast > 0, minContrast <= 1 else {
      throw ValidationError("--min-contrast is \(minContrast); it must be above 0 and at most 1.")
    }
    try checkRange("--permutations", permutations, 1...BlockDetector.mostPermutations)
    let least = 1 / Double(permutations + 1)
    guard significance >= least, significance < 1 else {
      throw ValidationError(
        "--significance is \(significance); it must be below 1 and at least \(least), the smallest "
          + "p-value that \(permutations) permutations can give.")
    }
  }

  func run() throws {
    try output.write { log in
      let input = try BlocksInput(results)
      let detector = BlockDetector(
        minimumSize: minSize, minimumContrast: minContrast, significance: significance,
        permutations: permutations, seed: seed)
      let findings = try BlockFindings(input, by: detector)
      let document = BlocksDocument(findings)
      log.tell(document.notes(findings))
      let result = BlocksResult(document, findings)
      let map = try result.map == nil ? "" : result.heatmap().terminalText()
      return (result, result.dataFiles(findings), map + document.text)
    }
  }
}
