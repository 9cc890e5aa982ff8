"""API destinations as the templates declare them."""

from templates import system

from policy_audit.model.api_destinations import ApiDestination

DESTINATION = """
Resources:
  Connection: {Type: AWS::Events::Connection, Properties: {Name: orders}}
  Destination:
    Type: AWS::Events::ApiDestination
    Properties:
      Name: orders
      ConnectionArn: !GetAtt Connection.Arn
      HttpMethod: POST
      InvocationEndpoint: https://orders.example.com/*
  Bare: {Type: AWS::Events::ApiDestination}
Outputs:
  Arn: {Value: !GetAtt Destination.Arn}
  ForPolicy: {Value: !GetAtt Destination.ArnForPolicy}
  Name: {Value: !Ref Destination}
"""


def test_an_api_destination_is_read_with_its_endpoint_and_connection() -> None:
    whole = system(DESTINATION)
    found, bare = whole.all(ApiDestination)
    (connection,) = whole.connections
    assert found.address.endswith("#Destination")
    assert found.name_arn.endswith(":api-destination/orders")
    assert found.arn.startswith(found.name_arn + "/")
    assert found.connection is not None and found.connection.text == connection.arn
    assert found.endpoint is not None and found.endpoint.text == "https://orders.example.com/*"
    assert found.method is not None and found.method.text == "POST"
    assert (bare.endpoint, bare.method, bare.connection) == (None, None, None)
    assert bare.arn != found.arn


def test_templates_without_one_give_none() -> None:
    assert system("Resources: {T: {Type: 'AWS::SNS::Topic'}}\n").all(ApiDestination) == ()
