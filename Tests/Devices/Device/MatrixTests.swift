import Device
import Testing

@Suite struct MatrixTests {
  @Test func elementsFillAMatrix() throws {
    #expect(try Matrix(rows: 1, columns: 2, filledWith: [1.0, 2])[0, 1] == 2)
    let error = #expect(throws: MatrixError.self) {
      try Matrix(rows: 2, columns: 3, filledWith: [1.0])
    }
    #expect(error?.description == "1 elements, expected those of a matrix of 2 × 3")
    // Shapes of a caller that no matrix has once ended the process.
    for (rows, columns) in [(-1, 2), (2, -1), (.max, 2)] {
      #expect(throws: MatrixError.self) {
        try Matrix(rows: rows, columns: columns, filledWith: [1.0])
      }
    }
  }
}
