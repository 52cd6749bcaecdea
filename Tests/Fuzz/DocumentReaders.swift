import Foundation

@testable import CKACommand

extension Readers {
  /// The results that are read again, by the command that made them and the document that says what they
  /// are: `Tests/Fuzz/Seeds/COMMAND` holds documents, `Tests/Fuzz/Results/COMMAND` what lies beside.
  static let documents = [
    "compare": "result.json", "converge": "converge.json", "components": "components.json",
    "trust": "trust.json", "probe": "probe.json", "errors": "errors.json", "blocks": "blocks.json",
  ]

  /// A result of `command` whose document is the input: its figures and its page.
  static func result(_ command: String, _ document: String) -> (Scratch) throws -> Reader {
    { scratch in
      let beside = "Tests/Fuzz/Results/\(command)"
      for name in try FileManager.default.contentsOfDirectory(atPath: beside) {
        try scratch.write(Data(contentsOf: URL(fileURLWithPath: "\(beside)/\(name)")), to: name)
      }
      return { input in
        try scratch.write(input, to: document)
        let result = try readResult(in: scratch.path)
        _ = try result.figures()
        _ = try result.report()
      }
    }
  }

  /// The classes of examples.
  static func labels(_ scratch: Scratch) throws -> Reader {
    { input in _ = try readLabels(scratch.write(input, to: "labels.npy")) }
  }

  /// Which models are of one architecture.
  static func table(_ scratch: Scratch) throws -> Reader {
    { input in _ = try ModelTable(path: scratch.write(input, to: "models.csv")) }
  }

  /// Which classes belong together.
  static func hierarchy(_ scratch: Scratch) throws -> Reader {
    { input in
      _ = try readHierarchy(scratch.write(input, to: "classes.csv"), of: ["cat", "dog", "ant"])
    }
  }
}
