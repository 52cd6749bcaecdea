import ActivationFiles
import Testing

/// The error that opening `path` ends with; a model that opens is a failed test.
func failure(
  at path: String, sourceLocation: SourceLocation = #_sourceLocation
) -> ActivationFileError? {
  do throws(ActivationFileError) {
    let model = try ModelFiles(path: path)
    Issue.record("opened \(model.layers.map(\.shape))", sourceLocation: sourceLocation)
    return nil
  } catch {
    #expect(!error.description.contains("\n"), sourceLocation: sourceLocation)
    return error
  }
}

/// Expects that opening `path` ends with an error of `kind` whose line holds `words`.
func expectFailure(
  at path: String, kind: ActivationFileError.Kind = .data, _ words: String...,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  guard let error = failure(at: path, sourceLocation: sourceLocation) else { return }
  #expect(error.kind == kind, "\(error)", sourceLocation: sourceLocation)
  for word in words {
    #expect(
      error.description.contains(word), "\(error) lacks \(word)", sourceLocation: sourceLocation)
  }
}
