import Analyses
import Inputs
import ResultFigures
import Results
import Testing

extension Snippets {
  func errors(_ wide: String, _ deep: String, _ labels: String, to folder: String) throws
    -> ErrorFindings
  {
    // Snippet begins.
    let (groups, ids) = try ErrorGroups(["wide=\(wide)", "deep=\(deep)"]).read()
    let study = try ErrorStudy(groups[0], groups[1], labels: try readLabels(labels))
    let findings = try ErrorFindings(study, repeats: 100, seed: 1)
    print(findings.accuracy.difference, findings.accuracy.welch?.p ?? .nan)
    for example in findings.ahead.first.examples.prefix(5) {
      print(example.index, example.frequency, example.judged)
    }

    let document = ErrorAgreementDocument(study, findings, labels: labels)
    let result = ErrorAgreementResult(document, findings.similarity)
    try result.write(result.dataFiles(study, findings, exampleIDs: ids), to: folder)
    // Snippet ends.
    return findings
  }

  @Test func errorsAreCountedByNetwork() throws {
    let folder = "\(files.path)/errors"
    let findings = try errors(
      "\(predictions)/wide-*.npy", "\(predictions)/deep-*.npy", "\(predictions)/labels.npy",
      to: folder)
    // Wide networks err in 1, 2 and 3 of 40 examples, deep ones in 11, 12 and 13.
    #expect(abs(findings.accuracy.first.mean - 0.95) < 1e-12)
    #expect(abs(findings.accuracy.second.mean - 0.7) < 1e-12)
    let written = try ErrorAgreementResult(in: folder)
    #expect(written.document.accuracy.difference == findings.accuracy.difference)
    #expect(written.document.groups.map(\.name) == ["wide", "deep"])
    #expect(written.document.groups[0].networks.map(\.accuracy) == [0.975, 0.95, 0.925])
    #expect(written.document.repeats == 100 && written.document.seed == 1)
  }
}
