import Foundation
import ResultFigures
import Support

@testable import Inputs
@testable import Results

extension Readers {
  /// The results that are read again, by the command that made them and the document that says what they
  /// are: `Tests/Fuzz/Seeds/COMMAND` holds documents, `Tests/Fuzz/Results/COMMAND` the arrays beside.
  static let documents = [
    "compare": ResultDocument.name, "sweep": SweepDocument.name, "converge": ConvergeDocument.name,
    "components": ComponentsDocument.name, "trust": UncertaintyDocument.name,
    "probe": ProbeDocument.name,
    "errors": ErrorAgreementDocument.name, "blocks": BlocksDocument.name,
  ]

  /// A result of `command` whose document is the input: it is read and made figures. These are drawn, and
  /// the page is made, of one input in eight, because that takes ten times as long as all before.
  static func result(_ command: String, _ document: String) -> (Scratch) throws -> Reader {
    { scratch in
      try scratch.copyResults(command)
      return { input in
        try scratch.write(input, to: document)
        try asCommand {
          try drawing(scratch.path) {
            let result = try readResult(in: scratch.path)
            let figures = try result.figures()
            guard input.reduce(0, &+) % 8 == 0 else { return }
            for figure in figures { _ = try figure.figure.data(.svg) }
            _ = try result.report().bytes()
          }
        }
      }
    }
  }

  /// What `body` returns. An error with which a command would end as faulty itself, such as one of an
  /// encoder, is a failure of the reader.
  private static func asCommand<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let error as any FailureConvertible
      where error.failure.code != .software
    {
      throw error
    } catch { fatalError("expected a fault of the input, found \(error)") }
  }

  /// The classes of examples.
  static func labels(_ scratch: Scratch) throws -> Reader {
    { input in _ = try asCommand { try readLabels(scratch.write(input, to: "labels.npy")) } }
  }

  /// Which models are of one architecture.
  static func table(_ scratch: Scratch) throws -> Reader {
    { input in _ = try asCommand { try ModelTable(path: scratch.write(input, to: "models.csv")) } }
  }

  /// Which classes belong together.
  static func hierarchy(_ scratch: Scratch) throws -> Reader {
    { input in
      let names = ["cat", "dog", "ant"]
      let hierarchy = try asCommand {
        try readHierarchy(scratch.write(input, to: "classes.csv"), of: names)
      }
      _ = hierarchy.groups(of: names, least: 2)
    }
  }

  /// What the classes are called.
  static func classNames(_ scratch: Scratch) throws -> Reader {
    { input in
      _ = try asCommand { try readClassNames(scratch.write(input, to: "classes.txt"), count: 3) }
    }
  }
}
