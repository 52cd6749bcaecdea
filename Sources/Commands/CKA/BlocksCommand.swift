import Analyses
import ArgumentParser
import CommandSupport
import ResultFigures
import Results
import Support

struct BlocksCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "blocks",
    abstract: "Block structure: contiguous layers that are more alike than others as far apart.",
    discussion: """
      RESULT is a folder that compare wrote of one model, or several, or what sweep wrote: STORE. Prints \
      a table and writes blocks.json, blocks.csv and a picture into the output folder; of a sweep also \
      similarity at equal depth, best-matching layers, and means inside and outside of blocks for every \
      pair of models, and how well layers find themselves across seeds.
      """)

  @Argument(help: "The folder of a result, several, or the store of a sweep.", completion: .file())
  var results: [String]

  @Option(
    help: ArgumentHelp(
      "The fewest layers of a block: 3 or a tenth of the layers, whichever is more, unless given.",
      valueName: "n"))
  var minSize: Int?

  @Option(
    help: ArgumentHelp(
      "How much more alike its layers must be than others at the same distances.", valueName: "c"))
  var minContrast = 0.1

  @Option(help: ArgumentHelp("The largest p of a block.", valueName: "p"))
  var significance = 0.05

  @Option(help: ArgumentHelp("Maps of chance that p is told from.", valueName: "n"))
  var permutations = 999

  @Option(help: "What decides them.")
  var seed: UInt64 = 0

  @OptionGroup var output: OutputOptions<BlocksResult>

  func validate() throws {
    if let minSize, minSize < 3 {
      throw ValidationError("--min-size is \(minSize): at least 3.")
    }
    guard minContrast > 0, minContrast <= 1 else {
      throw ValidationError("--min-contrast is \(minContrast): above 0 and at most 1.")
    }
    let most = BlockDetector.mostPermutations
    guard (1...most).contains(permutations) else {
      throw ValidationError("--permutations is \(permutations): 1 to \(most).")
    }
    let least = 1 / Double(permutations + 1)
    guard significance >= least, significance < 1 else {
      throw ValidationError(
        "--significance is \(significance): below 1, and at least \(least), the least p of "
          + "\(permutations) permutations.")
    }
  }

  func run() throws {
    let log = Console.bootstrapLogging(isQuiet: output.quiet)
    try reportingFailures {
      let folder = try output.folder
      let input = try BlocksInput(results)
      let detector = BlockDetector(
        minimumSize: minSize, minimumContrast: minContrast, significance: significance,
        permutations: permutations, seed: seed)
      // A core a network.
      let structures = try concurrentMap(input.networks) { try detector.structure(of: $0.map) }
      let across = try AcrossModels(input, structures)
      let document = BlocksDocument(input, structures, across, by: detector)
      log.tell(document.notes(across))
      let result = BlocksResult(
        document, map: input.networks.count == 1 ? input.networks[0].map : nil)
      try output.write(
        result, result.dataFiles(input.pairs.isEmpty ? nil : across), to: folder,
        text: (result.map == nil ? "" : result.heatmap().terminalText()) + document.text)
    }
  }
}
